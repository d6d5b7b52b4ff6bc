// Fetcher: sends requests to http:// and https:// URLs, by libcurl on the loop: redirects, proxies of the environment
// (http_proxy …), TLS with the system's authorities, gzip. For URLs of the operator (feeds, databases), not of
// strangers. FetchStream (core/http/fetch_stream.h) reads a response that has no end.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/result.h"

namespace swage::http {

class CurlLoop;

class Fetcher {
 public:
  struct Settings {
    std::chrono::milliseconds timeout{30'000};  // for all of a request, redirects included
    std::size_t most = std::size_t{64} << 20;   // bytes of a body, unpacked; more is an Error
    unsigned redirects = 5;                     // of a GET, from https:// to https:// only
    std::string user_agent = "swage";
    std::string authorities{};         // a file of certificates, instead of the system's
    std::string certificate{}, key{};  // files (PEM) that show a server who asks; none: nobody in particular
    bool reuse = false;                // a connection for further requests to the same server
    unsigned connections = 0;          // to one server at a time, more requests wait; 0: as many as there are requests
    bool http2 = false;                // where an https:// server knows it: many requests at a time on a connection
    // The same as text (PEM), for whoever may read no files any more; empty: as above.
    std::string authorities_text{}, certificate_text{}, key_text{};
    std::string from{};               // our address; empty: as the system finds
    std::chrono::seconds idle{0};     // for how long an idle connection is used again, and
    std::chrono::seconds max_age{0};  // one in all; 0: curl's own
  };
  // AWS's signature, version 4: of `service` in `region`, with a key and, where it is a temporary one, its token.
  struct AwsSignature {
    std::string region{}, service{};
    std::string key_id{}, secret{}, token{};
  };
  struct Request {
    std::string url{};
    std::vector<std::string> fields{};        // "If-None-Match: x"
    std::optional<std::string> body{};        // makes it a POST
    std::string user{}, password{};           // RFC 7617, where there is a user
    std::optional<AwsSignature> signature{};  // instead of user and password
    std::chrono::milliseconds timeout{0};     // instead of that of Settings
    std::string connect_to{};                 // "192.0.2.1:443", whatever the URL's host is; empty: that
    std::vector<std::string> wanted{};        // names of fields of the response
  };
  struct Fetched {
    unsigned status = 0;              // the last one's, where there were redirects
    std::string etag, last_modified;  // empty where there was none
    std::string body;
    std::string type{};                 // of it: "application/json"
    std::vector<std::string> wanted{};  // the values of the request's `wanted`; empty where there was none
  };

  // Loads the library that all of them need, for a process that may not do so later (core/server/sandbox.h).
  static void load();

  explicit Fetcher(async::Loop& loop);
  Fetcher(async::Loop& loop, Settings settings);
  // REQUIRES: nothing is under way, and no FetchStream is left.
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // Any status is a success; an Error says why there is none, or not the whole body. Destroying the task ends the
  // transfer.
  [[nodiscard]] async::Task<Result<Fetched>> send(Request request);
  [[nodiscard]] async::Task<Result<Fetched>> get(std::string url, std::vector<std::string> fields);

 private:
  friend class FetchStream;

  async::Loop& loop_;
  Settings settings_;
  std::unique_ptr<CurlLoop> curl_;
};

}  // namespace swage::http
