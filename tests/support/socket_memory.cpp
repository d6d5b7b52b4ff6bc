#include "tests/support/socket_memory.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "core/descriptor.h"
#include "core/result.h"

namespace swage::tests {
namespace {

constexpr std::uint32_t kAllStatesButListen = 0xFFFFFFFF & ~(1U << 10);

struct Request {
  nlmsghdr header{};
  inet_diag_req_v2 body{};
};

void add(SocketMemory& sum, const nlmsghdr* message, std::uint16_t port) {
  const auto* const socket = static_cast<const inet_diag_msg*>(NLMSG_DATA(message));
  if (ntohs(socket->id.idiag_sport) != port) return;
  ++sum.sockets;
  auto left = static_cast<int>(message->nlmsg_len - NLMSG_LENGTH(sizeof *socket));
  for (const auto* part = reinterpret_cast<const rtattr*>(socket + 1); RTA_OK(part, left);
       part = RTA_NEXT(part, left)) {
    if (part->rta_type != INET_DIAG_SKMEMINFO) continue;
    const auto* const values = static_cast<const std::uint32_t*>(RTA_DATA(part));
    sum.sending += values[SK_MEMINFO_WMEM_QUEUED];
    sum.receiving += values[SK_MEMINFO_RMEM_ALLOC];
  }
}

}  // namespace

SocketMemory socket_memory(std::uint16_t port) {
  const Descriptor netlink(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  Request request;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = AF_INET;
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_ext = 1U << (INET_DIAG_SKMEMINFO - 1);
  request.body.idiag_states = kAllStatesButListen;
  CHECK(send(netlink.get(), &request, sizeof request, 0) == sizeof request);
  SocketMemory sum;
  alignas(nlmsghdr) static thread_local std::array<char, std::size_t{64} << 10> buffer;
  while (true) {
    const ssize_t size = recv(netlink.get(), buffer.data(), buffer.size(), 0);
    CHECK(size > 0);
    auto left = static_cast<unsigned>(size);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == NLMSG_DONE) return sum;
      CHECK(message->nlmsg_type != NLMSG_ERROR);
      add(sum, message, port);
    }
  }
}

}  // namespace swage::tests
