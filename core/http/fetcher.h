// Fetcher: gets what an http:// or https:// URL leads to, by libcurl on the loop: redirects, proxies of the environment
// (http_proxy …), TLS with the system's authorities, gzip. For URLs of the operator (feeds), not of
// strangers.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/result.h"

namespace swage::http {

class Fetcher {
 public:
  struct Settings {
    std::chrono::milliseconds timeout{30'000};  // for all of a request, redirects included
    std::size_t most = std::size_t{64} << 20;   // bytes of a body, unpacked; more is an Error
    unsigned redirects = 5;                     // from https:// to https:// only
    std::string user_agent = "swage";
    std::string authorities{};  // a file of certificates, instead of the system's
  };
  struct Fetched {
    unsigned status = 0;              // the last one's, where there were redirects
    std::string etag, last_modified;  // empty where there was none
    std::string body;
  };

  explicit Fetcher(async::Loop& loop);
  Fetcher(async::Loop& loop, Settings settings);
  // REQUIRES: no get() is under way.
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // Any status is a success; an Error says why there is none, or not the whole body. `fields` as in "If-None-Match: x".
  // Destroying the task ends the transfer.
  [[nodiscard]] async::Task<Result<Fetched>> get(std::string url, std::vector<std::string> fields);

 private:
  class Transfer;
  struct State;

  async::Loop& loop_;
  Settings settings_;
  std::unique_ptr<State> state_;
};

}  // namespace swage::http
