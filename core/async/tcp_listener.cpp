#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/async/tcp.h"
#include "core/log.h"

namespace swage::async {

using namespace std::chrono_literals;

namespace {

constexpr int kAtOnce = 16;  // connections

// On failure errno says why.
bool bind_and_listen(int fd, const Endpoint& at) {
  const int on = 1;
  sockaddr_storage address;
  const socklen_t size = at.to_sockaddr(address);
  return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
         (!at.address.is_v6() || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
         bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 && ::listen(fd, SOMAXCONN) == 0;
}

bool out_of_resources(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

}  // namespace

// accept() is ours, on a Poll, and not uv_listen's: that answers EMFILE by accepting and closing all that wait.
TcpListener::TcpListener(Loop& loop, int fd, Accepted accepted)
    : loop_(loop), fd_(fd), retry_(loop, [this] { poll_->start(); }) {
  poll_.emplace(loop, fd, [this, accepted = std::move(accepted)] { accept_some(accepted); });
}

TcpListener::~TcpListener() { close(); }

Result<std::unique_ptr<TcpListener>> TcpListener::listen(Loop& loop, const Endpoint& at, Accepted accepted) {
  const int fd = ::socket(at.address.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || !bind_and_listen(fd, at)) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    return fail("listen on {}: {}", at.to_string(), std::strerror(error));
  }
  return std::make_unique<TcpListener>(loop, fd, std::move(accepted));
}

// Several a turn: the more the process has to do in one, the fewer turns there are.
void TcpListener::accept_some(const Accepted& accepted) {
  const std::shared_ptr<const bool> accepting = accepting_;
  for (int i = 0; i < kAtOnce && *accepting; ++i) {
    if (!accept_one(accepted)) break;
  }
}

// False where there is none.
bool TcpListener::accept_one(const Accepted& accepted) {
  const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    if (!out_of_resources(error)) return false;  // another process was faster, or the client is gone
    if (!starved_) log::warning("accept: {}; trying again", std::strerror(error));
    starved_ = true;
    poll_->stop();
    retry_.start(100ms);
    return false;
  }
  starved_ = false;
  auto stream = TcpStream::adopt(loop_, fd);
  if (stream) accepted(std::move(*stream));  // may have destroyed this; else the client is gone already
  return true;
}

void TcpListener::pause() {
  CHECK(poll_);
  *accepting_ = false;
  poll_->stop();
  retry_.stop();
}

void TcpListener::resume() {
  CHECK(poll_);
  *accepting_ = true;
  poll_->start();
}

void TcpListener::close() {
  if (!poll_) return;
  *accepting_ = false;
  poll_.reset();
  retry_.stop();
  ::close(fd_);
}

Endpoint TcpListener::local() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  CHECK(poll_ && getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&address));
}

}  // namespace swage::async
