#include "tests/support/web.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "core/result.h"

namespace swage::tests {
namespace {

sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void limit_waiting(int fd) {
  const timeval time{.tv_sec = 5, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
}

// Until the other side closes, or `end` has come, which may be empty.
std::string read_until(int fd, std::string_view end) {
  limit_waiting(fd);
  std::string text;
  std::array<char, 4096> piece;
  while (end.empty() || text.find(end) == std::string::npos) {
    const ssize_t size = recv(fd, piece.data(), piece.size(), 0);
    if (size <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
  return text;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (size <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

}  // namespace

WebServer::WebServer(Body body) : body_(std::move(body)), socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = loopback_address(0);
  socklen_t size = sizeof(address);
  CHECK(bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(listen(socket_, 16) == 0);
  CHECK(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

WebServer::~WebServer() {
  shutdown(socket_, SHUT_RDWR);  // accept() returns
  thread_.join();
  close(socket_);
}

std::string WebServer::url(std::string_view path) const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }

void WebServer::serve() const {
  for (int client = 0; (client = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; close(client)) {
    const std::string request = read_until(client, "\r\n\r\n");
    if (!request.starts_with("GET ")) continue;
    std::string body = body_(std::string_view(request).substr(4, request.find(' ', 4) - 4));
    const bool found = !body.empty();
    if (!found) body = std::string(1000, '-');  // as servers have a page for it
    write_all(client, fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                                  found ? "200 OK" : "404 Not Found", body.size(), body));
  }
}

std::string http_get(std::uint16_t port, std::string_view path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback_address(port);
  std::string text;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    write_all(fd, fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path));
    text = read_until(fd, "");
  }
  close(fd);
  return text;
}

}  // namespace swage::tests
