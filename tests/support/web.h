// HTTP for tests of plugins: a server that says what a test wants, on a thread of its own, and what another one says.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace swage::tests {

// Answers GET on a free port of 127.0.0.1, one connection after the other, until it is destroyed.
class WebServer {
 public:
  // The body for a path, "/a?b"; empty: 404. Called on the server's thread.
  using Body = std::function<std::string(std::string_view path)>;

  explicit WebServer(Body body);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  [[nodiscard]] std::string url(std::string_view path = "/") const;

 private:
  void serve() const;

  Body body_;
  int socket_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// What 127.0.0.1:port answers to GET of `path`, head and body; empty where nobody does within a few seconds.
[[nodiscard]] std::string http_get(std::uint16_t port, std::string_view path);

}  // namespace swage::tests
