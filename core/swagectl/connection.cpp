#include "core/swagectl/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace swage::ctl {
namespace {

constexpr std::size_t kMaxLine = std::size_t{64} << 20;  // bytes

Error no_server(const std::string& path) {
  switch (errno) {
    case ENOENT:
      return Error(formatted("{}: there is no such socket: the server does not run, or has another -control", path));
    case ECONNREFUSED:
      return Error(formatted("{}: nobody listens: the server does not run", path));
    case EACCES:
      return Error(formatted("{}: only root and the server's user may ask", path));
    case EAGAIN:
      return Error(formatted("{}: too many wait already: the server's service process does not answer", path));
    default:
      return Error(formatted("{}: {}", path, std::strerror(errno)));
  }
}

}  // namespace

Result<Connection> Connection::open(const std::string& path, const std::string& request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail("the path of a Unix socket has 1 to {} bytes", sizeof address.sun_path - 1);
  }
  std::ranges::copy(path, address.sun_path);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return std::unexpected(no_server(path));
  }
  const std::string line = request + "\n";  // fits into the socket's buffer
  if (send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) != std::ssize(line) && errno != EPIPE) {
    return fail("{}: {}", path, std::strerror(errno));
  }
  return Connection(std::move(socket));
}

Result<std::string> Connection::line(Milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  std::size_t searched = 0;
  while (true) {
    if (const std::size_t end = read_.find('\n', searched); end != std::string::npos) {
      std::string line = read_.substr(0, end);
      read_.erase(0, end + 1);
      return line;
    }
    searched = read_.size();
    if (read_.size() > kMaxLine) return fail("the server's answer is too long");
    const auto left = std::chrono::ceil<Milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd waiting{socket_.get(), POLLIN, 0};
    if (left <= 0 || poll(&waiting, 1, static_cast<int>(left)) == 0) {
      return fail("the server does not answer within {} s: its service process is busy, stopped or hangs",
                  static_cast<double>(patience.count()) / 1000);
    }
    std::array<char, 16 << 10> bytes;
    const ssize_t size = recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (size <= 0) return fail("the server's service process has ended before it has answered");
    read_.append(bytes.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace swage::ctl
