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

void Channel::send(Message message) {
  if (message.text.size() > Message::kMostText) message.text.resize(Message::kMostText);
  waiting_.push_back(std::move(message));
  flush();
}

void Channel::send_newest(Message message) {
  const auto is_older = [&](const Message& each) { return each.kind == message.kind && each.text == message.text; };
  if (const auto older = std::ranges::find_if(waiting_, is_older); older != waiting_.end()) {
    older->descriptor = std::move(message.descriptor);
    flush();
  } else {
    send(std::move(message));
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
bool Channel::try_send(const Message& message) {
  char kind = static_cast<char>(message.kind);
  iovec parts[2] = {{&kind, 1}, {const_cast<char*>(message.text.data()), message.text.size()}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = parts;
  header.msg_iovlen = 2;
  if (message.descriptor.exists()) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = message.descriptor.get();
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  while (sendmsg(socket_.get(), &header, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    // ETOOMANYREFS: too many descriptors are under way; the peer has to take some first.
    return errno != EAGAIN && errno != ENOBUFS && errno != ETOOMANYREFS;
  }
  return true;
}

Result<std::optional<Message>> Channel::receive() {
  incoming_.resize(1 + Message::kMostText);
  iovec part = {incoming_.data(), incoming_.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t size;
  do {
    size = recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0 && errno == EAGAIN) return std::optional<Message>();
  if (size <= 0) return fail("the other end is gone");

  Message message{
      static_cast<Message::Kind>(incoming_[0]), incoming_.substr(1, static_cast<std::size_t>(size) - 1), {}};
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&header); part_of != nullptr; part_of = CMSG_NXTHDR(&header, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) continue;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(part_of), sizeof fd);
    message.descriptor = Descriptor(fd);
  }
  if ((header.msg_flags & MSG_CTRUNC) != 0) return fail("a descriptor did not arrive: too many are open (ulimit -n)");
  return message;
}

}  // namespace swage::server
