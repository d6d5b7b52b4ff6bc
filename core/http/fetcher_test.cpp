#include "core/http/fetcher.h"

#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "core/async/tasks.h"
#include "core/async/tcp.h"

#include "core/async/testing.h"  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::async;
using http::Fetcher;
using namespace std::chrono_literals;

namespace {

// Says one thing to each connection, in pieces, and closes; or waits until the client does.
class Script {
 public:
  explicit Script(Loop& loop, std::vector<std::string> pieces, bool keeps_open = false)
      : loop_(loop), pieces_(std::move(pieces)), keeps_open_(keeps_open) {
    auto listener = TcpListener::listen(loop, testing::loopback(), [this](std::unique_ptr<TcpStream> stream) {
      tasks_.start(serve(*this, std::move(stream)));
    });
    REQUIRE(listener);
    listener_ = std::move(*listener);
  }
  [[nodiscard]] std::string url(const std::string& path = "/") const {
    return "http://" + listener_->local().to_string() + path;
  }
  [[nodiscard]] const std::string& request() const { return request_; }
  void close() { listener_.reset(); }

 private:
  static Task<> serve(Script& script, std::unique_ptr<TcpStream> stream) {
    std::uint8_t buffer[4096];
    const MutableBytes into(buffer);
    script.request_.clear();
    while (!script.request_.ends_with("\r\n\r\n")) {
      const Result<std::size_t> size = co_await stream->read(into);
      if (!size || *size == 0) co_return;
      script.request_ += as_text(Bytes(buffer).first(*size));
    }
    for (const std::string& piece : script.pieces_) {
      const Bytes bytes = as_bytes(piece);
      const Result<> written = co_await stream->write(bytes);
      if (!written) co_return;
      co_await sleep(script.loop_, 1ms);
    }
    if (script.keeps_open_) static_cast<void>(co_await stream->read(into));
  }

  Loop& loop_;
  std::vector<std::string> pieces_;
  bool keeps_open_;
  std::string request_;
  Tasks tasks_;
  std::unique_ptr<TcpListener> listener_;
};

// Fetches, and ends the listener, so that the loop has nothing left to do.
Task<Result<Fetcher::Fetched>> fetch(Fetcher& fetcher, Script& script, std::string url,
                                     std::vector<std::string> fields) {
  auto fetched = co_await fetcher.get(std::move(url), std::move(fields));
  script.close();
  co_return fetched;
}

Fetcher::Settings small() {
  Fetcher::Settings settings;
  settings.most = 1000;
  settings.user_agent = "test/1";
  return settings;
}

std::string outcome(std::vector<std::string> pieces, bool keeps_open = false) {
  Loop loop;
  Script script(loop, std::move(pieces), keeps_open);
  Fetcher::Settings settings = small();
  if (keeps_open) settings.timeout = 300ms;
  Fetcher fetcher(loop, settings);
  const auto fetched = testing::run(loop, fetch(fetcher, script, script.url(), {}));
  if (!fetched) return "error: " + fetched.error().text();
  return fmt::format("{} {} {} {}", fetched->status, fetched->etag, fetched->last_modified, fetched->body);
}

}  // namespace

TEST_CASE("fetcher: what a server may answer") {
  CHECK(outcome({"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: \"x\"\r\nLast-Modified: Mon\r\n\r\nbody"}) ==
        "200 \"x\" Mon body");
  CHECK(outcome({"HTTP/1.1 200 OK\r\n", "Transfer-Encoding: chunked\r\n\r\n", "2\r\nbo\r\n", "2\r\ndy\r\n0\r\n\r\n"}) ==
        "200   body");
  CHECK(outcome({"HTTP/1.1 200 OK\r\n\r\nuntil ", "the end"}) == "200   until the end");
  CHECK(outcome({"HTTP/1.1 304 Not Modified\r\nETag: W/\"y\"\r\n\r\n"}) == "304 W/\"y\"  ");
  CHECK(outcome({"HTTP/1.1 500 Oops\r\nContent-Length: 1\r\n\r\nx"}) == "500   x");
  CHECK(outcome({"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x')}).size() == 1006);
  CHECK(outcome({"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x')}) ==
        "error: has more than 1000 bytes");
  CHECK(outcome({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody"}) == "error: Transferred a partial file");
  CHECK(outcome({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody"}, true) == "error: Timeout was reached");
  CHECK(outcome({}, true) == "error: Timeout was reached");
  std::vector<std::string> drips(2000, "1\r\nx\r\n");  // one after the other, for more than 2 s
  drips.insert(drips.begin(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(outcome(drips, true) == "error: Timeout was reached");
  CHECK(outcome({}) == "error: Server returned nothing (no headers, no data)");
  CHECK(outcome({"garbage\r\n\r\n"}).starts_with("error: "));
  CHECK(outcome({"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"}) ==
        "error: Number of redirects hit maximum amount");
  CHECK(outcome({"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"}) ==
        "error: Unsupported protocol");
}

TEST_CASE("fetcher: what it asks") {
  Loop loop;
  Script script(loop, {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
  Fetcher fetcher(loop, small());
  REQUIRE(testing::run(loop, fetch(fetcher, script, script.url("/a?b"), {"If-None-Match: \"x\""})));
  CHECK(script.request().starts_with("GET /a?b HTTP/1.1\r\n"));
  CHECK(script.request().find("\r\nUser-Agent: test/1\r\n") != std::string::npos);
  CHECK(script.request().find("\r\nIf-None-Match: \"x\"\r\n") != std::string::npos);
}

TEST_CASE("fetcher: where nobody is, and what is no URL") {
  Loop loop;
  Fetcher fetcher(loop, small());
  const auto [fd, at] = testing::listening_socket();
  ::close(fd);
  for (const std::string& url : {"http://" + at.to_string() + "/", std::string("file:///etc/passwd"),
                                 std::string("nonsense://x"), std::string("http://"), std::string("")}) {
    CAPTURE(url);
    CHECK(!testing::run(loop, fetcher.get(url, {})));
  }
}

TEST_CASE("fetcher: a task that is destroyed ends its transfer") {
  Loop loop;
  Script script(loop, {"HTTP/1.1 200 OK\r\n\r\nx"}, true);
  Fetcher fetcher(loop, small());
  const auto run = [](Loop& on, Fetcher& by, Script& from) -> Task<> {
    for (const auto time : {0ms, 1ms, 5ms, 50ms}) {
      auto getting = by.get(from.url(), std::vector<std::string>());
      const auto fetched = co_await within(on, time, std::move(getting));
      CHECK(!fetched);
    }
    from.close();
  };
  testing::run(loop, run(loop, fetcher, script));
}
