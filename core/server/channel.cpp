#include "core/server/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace swage::server {

Result<std::pair<Channel, Channel>> Channel::pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return fail("socketpair: {}", std::strerror(errno));
  }
  return std::pair(Channel(Descriptor(ends[0])), Channel(Descriptor(ends[1])));
}

void Channel::send_packet(Packet packet) {
  waiting_.push_back(std::move(packet));
  flush();
}

void Channel::send_newest_packet(Packet packet) {
  if (const auto older = std::ranges::find(waiting_, packet.bytes, &Packet::bytes); older != waiting_.end()) {
    older->descriptor = std::move(packet.descriptor);
    flush();
  } else {
    send_packet(std::move(packet));
  }
}

void Channel::flush() {
  while (!waiting_.empty() && try_send(waiting_.front())) waiting_.pop_front();
}

void Channel::flush_patiently() {
  flush();
  for (int tries = 0; unsent() && tries < 50; ++tries) {
    pollfd room{socket_.get(), POLLOUT, 0};
    poll(&room, 1, 100);
    flush();
  }
}

// False where it would have to wait. A message to a peer that is gone counts as sent.
bool Channel::try_send(const Packet& packet) {
  iovec part = {const_cast<char*>(packet.bytes.data()), packet.bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (packet.descriptor.exists()) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = packet.descriptor.get();
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  while (sendmsg(socket_.get(), &header, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    // ETOOMANYREFS: too many descriptors are under way; the peer has to take some first.
    return errno != EAGAIN && errno != ENOBUFS && errno != ETOOMANYREFS;
  }
  return true;
}

Result<> Channel::receive(const std::function<bool(Packet)>& take) {
  while (true) {
    TRY(std::optional<Packet> packet, receive_packet());
    if (!packet || !take(*std::move(packet))) return {};
  }
}

// nullopt when there is none now.
Result<std::optional<Packet>> Channel::receive_packet() {
  incoming_.resize(Packet::kMaxSize);
  iovec part = {incoming_.data(), incoming_.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = CMSG_LEN(sizeof(int));  // CMSG_SPACE() would have room for a second one
  ssize_t size;
  do {
    size = recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0 && errno == EAGAIN) return std::optional<Packet>();
  if (size <= 0) return fail("the other end is gone");

  Packet packet{incoming_.substr(0, static_cast<std::size_t>(size))};
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&header); part_of != nullptr; part_of = CMSG_NXTHDR(&header, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) continue;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(part_of), sizeof fd);
    packet.descriptor = Descriptor(fd);
  }
  if ((header.msg_flags & MSG_CTRUNC) != 0) return fail("a descriptor did not arrive: too many are open (ulimit -n)");
  if ((header.msg_flags & MSG_TRUNC) != 0) packet.bytes.clear();  // no message of ours is as long
  return packet;
}

}  // namespace swage::server
