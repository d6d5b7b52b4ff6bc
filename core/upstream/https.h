// Https: one nameserver, asked over HTTPS (RFC 8484) by libcurl: HTTP/2 where it knows that, so that questions share a
// connection. In the process that fetches.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/http/fetcher.h"
#include "core/net.h"
#include "core/upstream/question.h"

namespace swage::upstream {

// How it is spoken to, beside what Way says.
struct OverHttps {
  bool get = false;  // its method; else POST
  // PEM; none: the system's authorities, and nothing is shown.
  std::string authorities{}, certificate{}, key{};
};

class Https {
 public:
  struct Server {
    Endpoint to{};
    std::string name{};  // that the certificate is for, or an address
    std::string from{};  // our address; empty: as the system finds
    std::chrono::milliseconds expire{10'000}, max_age{0};
  };
  Https(async::Loop& loop, const Server& server, const OverHttps& how);

  // The answer to `asked`, which must outlive the task. An Error where there is none within `time`, or the server says
  // anything but 200 and a DNS message of at most 65,535 bytes that answers the question.
  [[nodiscard]] async::Task<Result<std::vector<std::uint8_t>>> ask(const Asked& asked, std::chrono::milliseconds time);

 private:
  [[nodiscard]] http::Fetcher::Request request(const Asked& asked, std::chrono::milliseconds time) const;

  std::string url_, to_;
  bool get_;
  http::Fetcher fetcher_;
};

}  // namespace swage::upstream
