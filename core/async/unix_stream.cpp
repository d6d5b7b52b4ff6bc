#include "core/async/unix_stream.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace swage::async {

Result<std::unique_ptr<UnixStream>> UnixStream::connect(Loop& loop, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail("the path of a Unix socket has 1 to {} bytes", sizeof address.sun_path - 1);
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.exists()) return fail("{}", std::strerror(errno));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    return fail("connect to {}: {}", path, std::strerror(errno));
  }
  return std::unique_ptr<UnixStream>(new UnixStream(loop, std::move(socket)));
}

UnixStream::UnixStream(Loop& loop, Descriptor socket) : socket_(std::move(socket)), readable_(loop), writable_(loop) {
  watch_.emplace(loop, socket_.get(), [this](SocketWatch::Found found) {
    if (found.readable || found.failed) {
      reads_ = false;
      readable_.set();
    }
    if (found.writable || found.failed) {
      writes_ = false;
      writable_.set();
    }
    want();
  });
}

void UnixStream::want() {
  if (watch_) watch_->want({.readable = reads_, .writable = writes_});
}

Task<Result<std::size_t>> UnixStream::read(MutableBytes into) {
  CHECK(!into.empty());
  while (socket_.exists()) {
    const ssize_t size = recv(socket_.get(), into.data(), into.size(), 0);
    if (size >= 0) co_return static_cast<std::size_t>(size);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return fail("read: {}", std::strerror(errno));
    readable_.reset();
    reads_ = true;
    want();
    co_await readable_.wait();
  }
  co_return fail("read: closed");
}

Task<Result<>> UnixStream::write_parts(Parts parts) {
  while (socket_.exists()) {
    std::array<iovec, std::tuple_size_v<Parts>> pieces{};
    std::size_t left = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      pieces[i] = {const_cast<std::uint8_t*>(parts[i].data()), parts[i].size()};
      left += parts[i].size();
    }
    if (left == 0) co_return Result<>();
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t sent = sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) co_return fail("write: {}", std::strerror(errno));
    if (sent >= 0) {
      auto done = static_cast<std::size_t>(sent);
      for (Bytes& part : parts) {
        const std::size_t dropped = std::min(done, part.size());
        part = part.subspan(dropped);
        done -= dropped;
      }
      continue;
    }
    writable_.reset();
    writes_ = true;
    want();
    co_await writable_.wait();
  }
  co_return fail("write: closed");
}

void UnixStream::close() {
  watch_.reset();
  socket_ = Descriptor();
  readable_.set();
  writable_.set();
}

}  // namespace swage::async
