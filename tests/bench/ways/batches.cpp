#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/bench/ways/way.h"

namespace swage::bench {
namespace {

constexpr std::size_t kBuffer = 2048;
constexpr std::size_t kMostSegments = 64;  // what the kernel takes as one (UDP_MAX_SEGMENTS of older kernels)

// Sleeps until the socket is readable, or does not.
class Waiter {
 public:
  explicit Waiter(const WayOptions& options) : spin_(options.spin), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event readable{};
    readable.events = EPOLLIN;
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, options.descriptor, &readable);
  }

  void wait() const {
    epoll_event event;
    if (!spin_) ::epoll_wait(poll_, &event, 1, -1);
  }

 private:
  bool spin_;
  int poll_;
};

class Batch {
 public:
  explicit Batch(std::size_t size) : buffers_(size), clients_(size), parts_(size), messages_(size) {}

  // Returns how many packets came.
  std::size_t receive(int descriptor) {
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      parts_[i] = {.iov_base = buffers_[i].data(), .iov_len = kBuffer};
      messages_[i] = {};
      messages_[i].msg_hdr.msg_name = &clients_[i];
      messages_[i].msg_hdr.msg_namelen = sizeof clients_[i];
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
    const int received = ::recvmmsg(descriptor, messages_.data(), static_cast<unsigned>(messages_.size()), 0, nullptr);
    if (received <= 0) return 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(received); ++i) {
      buffers_[i][2] |= 0x80;
      parts_[i].iov_len = messages_[i].msg_len;
    }
    return static_cast<std::size_t>(received);
  }

  void send(int descriptor, std::size_t count) {
    ::sendmmsg(descriptor, messages_.data(), static_cast<unsigned>(count), 0);
  }

  // Packets of one size to one client are one message, which the kernel cuts.
  void send_segmented(int descriptor, std::size_t count) {
    groups_.clear();
    for (std::size_t i = 0; i < count; ++i) group_for(i).parts.push_back(parts_[i]);
    grouped_.assign(groups_.size(), {});
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      Group& group = groups_[i];
      msghdr& header = grouped_[i].msg_hdr;
      header.msg_name = &clients_[group.first];
      header.msg_namelen = sizeof(sockaddr_in);
      header.msg_iov = group.parts.data();
      header.msg_iovlen = group.parts.size();
      if (group.parts.size() == 1) continue;
      header.msg_control = group.control.data();
      header.msg_controllen = group.control.size();
      cmsghdr* const part = CMSG_FIRSTHDR(&header);
      part->cmsg_level = SOL_UDP;
      part->cmsg_type = UDP_SEGMENT;
      part->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
      const auto size = static_cast<std::uint16_t>(group.parts[0].iov_len);
      std::memcpy(CMSG_DATA(part), &size, sizeof size);
    }
    ::sendmmsg(descriptor, grouped_.data(), static_cast<unsigned>(grouped_.size()), 0);
  }

 private:
  struct Group {
    std::size_t first;
    std::vector<iovec> parts;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> control{};
  };

  Group& group_for(std::size_t packet) {
    for (Group& group : groups_) {
      if (parts_[group.first].iov_len == parts_[packet].iov_len && group.parts.size() < kMostSegments &&
          clients_[group.first].sin_port == clients_[packet].sin_port &&
          clients_[group.first].sin_addr.s_addr == clients_[packet].sin_addr.s_addr) {
        return group;
      }
    }
    groups_.push_back({.first = packet, .parts = {}});
    return groups_.back();
  }

  std::vector<std::array<std::uint8_t, kBuffer>> buffers_;
  std::vector<sockaddr_in> clients_;
  std::vector<iovec> parts_;
  std::vector<mmsghdr> messages_;
  std::vector<Group> groups_;
  std::vector<mmsghdr> grouped_;
};

template <typename Send>
[[noreturn]] void echo(const WayOptions& options, Send send) {
  const Waiter waiter(options);
  Batch batch(options.batch);
  while (true) {
    waiter.wait();
    while (const std::size_t count = batch.receive(options.descriptor)) {
      send(batch, count);
      if (count < options.batch) break;
    }
  }
}

}  // namespace

Result<> echo_one_by_one(const WayOptions& options) {
  const Waiter waiter(options);
  std::array<std::uint8_t, kBuffer> buffer;
  sockaddr_in client{};
  auto* const address = reinterpret_cast<sockaddr*>(&client);
  while (true) {
    waiter.wait();
    while (true) {
      socklen_t size = sizeof client;
      const ssize_t received = ::recvfrom(options.descriptor, buffer.data(), buffer.size(), 0, address, &size);
      if (received <= 0) break;
      buffer[2] |= 0x80;
      static_cast<void>(
          ::sendto(options.descriptor, buffer.data(), static_cast<std::size_t>(received), 0, address, size));
    }
  }
}

Result<> echo_in_batches(const WayOptions& options) {
  echo(options, [&](Batch& batch, std::size_t count) { batch.send(options.descriptor, count); });
}

Result<> echo_segmented(const WayOptions& options) {
  echo(options, [&](Batch& batch, std::size_t count) { batch.send_segmented(options.descriptor, count); });
}

}  // namespace swage::bench
