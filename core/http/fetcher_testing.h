// For the tests of what fetches: a server of few words.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/async/event.h"
#include "core/async/tasks.h"
#include "core/async/tcp.h"

#include "core/async/testing.h"  // last: its CHECK is the one that counts here

namespace swage::http::testing {

// Says one thing to each request, in pieces, and closes; or waits until the client does, for its next request.
class Script {
 public:
  explicit Script(async::Loop& loop, std::vector<std::string> pieces, bool keeps_open = false)
      : loop_(loop), pieces_(std::move(pieces)), keeps_open_(keeps_open) {
    auto listener = async::TcpListener::listen(
        loop, async::testing::loopback(),
        [this](std::unique_ptr<async::TcpStream> stream) { tasks_.start(serve(*this, std::move(stream))); });
    REQUIRE(listener);
    listener_ = std::move(*listener);
  }
  [[nodiscard]] std::string url(const std::string& path = "/") const {
    return "http://" + listener_->local().to_string() + path;
  }
  [[nodiscard]] const std::string& request() const { return request_; }  // the last one
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] std::size_t said() const { return said_; }  // bytes that were taken
  void close() { listener_.reset(); }

 private:
  static async::Task<> serve(Script& script, std::unique_ptr<async::TcpStream> stream) {
    ++script.connections_;
    while (true) {
      const bool asked = co_await hear(script, *stream);
      if (!asked) co_return;
      for (const std::string& piece : script.pieces_) {
        const Bytes bytes = as_bytes(piece);
        const Result<> written = co_await stream->write(bytes);
        if (!written) co_return;
        script.said_ += piece.size();
        co_await async::sleep(script.loop_, std::chrono::milliseconds(1));
      }
      if (!script.keeps_open_) co_return;
    }
  }
  // Whether a whole request came.
  static async::Task<bool> hear(Script& script, async::TcpStream& stream) {
    std::uint8_t buffer[4096];
    const MutableBytes into(buffer);
    std::string request;
    while (!is_whole(request)) {
      const Result<std::size_t> size = co_await stream.read(into);
      if (!size || *size == 0) co_return false;
      request += as_text(Bytes(buffer).first(*size));
    }
    script.request_ = request;
    co_return true;
  }
  static bool is_whole(const std::string& request) {
    const std::size_t end = request.find("\r\n\r\n"), length = request.find("Content-Length: ");
    if (end == std::string::npos) return false;
    return request.size() - end - 4 == (length < end ? std::stoul(request.substr(length + 16)) : 0);
  }

  async::Loop& loop_;
  std::vector<std::string> pieces_;
  bool keeps_open_;
  std::string request_;
  int connections_ = 0;
  std::size_t said_ = 0;
  async::Tasks tasks_;
  std::unique_ptr<async::TcpListener> listener_;
};

}  // namespace swage::http::testing
