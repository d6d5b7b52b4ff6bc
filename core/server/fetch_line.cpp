#include "core/server/fetch_line.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace swage::server {

Result<std::pair<Descriptor, Descriptor>> FetchLine::pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return fail("socketpair: {}", std::strerror(errno));
  }
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

bool FetchLine::send(Bytes packet) const {
  while (::send(fd(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    return errno != EAGAIN && errno != ENOBUFS;
  }
  return true;
}

// MSG_TRUNC: the size that the packet had, if it is longer than the buffer.
Result<Bytes> FetchLine::receive(MutableBytes buffer) const {
  ssize_t size;
  do {
    size = recv(fd(), buffer.data(), buffer.size(), MSG_TRUNC);
  } while (size < 0 && errno == EINTR);
  if (size < 0 && errno == EAGAIN) return Bytes();
  if (size <= 0) return fail("the other end is gone");
  if (static_cast<std::size_t>(size) > buffer.size()) return fail("a packet of {} bytes", size);
  return buffer.first(static_cast<std::size_t>(size));
}

}  // namespace swage::server
