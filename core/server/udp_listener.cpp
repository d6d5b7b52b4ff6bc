#include "core/server/udp_listener.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <utility>

#include "core/dns/encode.h"

namespace swage::server {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kMaxRequest = 4096;  // bytes: a question, and every option there is
constexpr int kBatchesInARow = 16;
constexpr int kMaxBatchesAtTheEnd = 4096;
constexpr std::size_t kControlSize = CMSG_SPACE(sizeof(in6_pktinfo));

std::int64_t nanoseconds_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// The address that was asked, out of the control data of a request; what the data says for a reply is put in its place:
// leave from that address. IPv4: by the route, not by the interface it came in on. IPv6: link-local ones need theirs.
void take_destination(msghdr& header, Endpoint& server) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      auto* const info = reinterpret_cast<in_pktinfo*>(CMSG_DATA(part));
      server.address = IpAddress::v4({reinterpret_cast<const std::uint8_t*>(&info->ipi_addr), 4});
      info->ipi_spec_dst = info->ipi_addr;
      info->ipi_ifindex = 0;
    } else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      auto* const info = reinterpret_cast<in6_pktinfo*>(CMSG_DATA(part));
      server.address = IpAddress::v6({info->ipi6_addr.s6_addr, 16});
      if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr)) info->ipi6_ifindex = 0;
    }
  }
}

// The same for an answer that comes later: control data that say to leave from the address that was asked. Returns
// their size.
std::size_t write_source(const Arrival& arrival, std::array<char, kControlSize>& control) {
  const auto write = [&](int level, int type, const auto& info) {
    auto& part = *reinterpret_cast<cmsghdr*>(control.data());
    part = {.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = level, .cmsg_type = type};
    std::memcpy(CMSG_DATA(&part), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  };
  const Bytes from = arrival.server.address.bytes();
  if (!arrival.server.address.is_v6()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, from.data(), from.size());
    return write(IPPROTO_IP, IP_PKTINFO, info);
  }
  in6_pktinfo info{};
  std::memcpy(&info.ipi6_addr, from.data(), from.size());
  if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = arrival.client.scope;
  return write(IPPROTO_IPV6, IPV6_PKTINFO, info);
}

// Takes a header of the PROXY protocol off a datagram. False where it is not to be answered.
bool take_header(const ProxyPolicy& policy, Arrival& arrival, Bytes& request) {
  const ProxyPolicy::Verdict verdict = policy.judge(request, arrival.client);
  if (verdict.what != ProxyPolicy::Verdict::Do::serve) return false;
  request = request.subspan(verdict.size);
  arrival.proxy = std::exchange(arrival.client, verdict.client);
  return true;
}

}  // namespace

class UdpBatch {
 public:
  UdpBatch() {
    std::memset(in.data(), 0, sizeof in);
    std::memset(out.data(), 0, sizeof out);
    for (std::size_t i = 0; i < kBatch; ++i) {
      request_parts[i] = {requests[i].data(), kMaxRequest};
      in[i].msg_hdr.msg_iov = &request_parts[i];
      in[i].msg_hdr.msg_iovlen = 1;
      in[i].msg_hdr.msg_name = &clients[i];
      out[i].msg_hdr.msg_iov = &response_parts[i];
      out[i].msg_hdr.msg_iovlen = 1;
    }
  }

  std::array<std::array<std::uint8_t, kMaxRequest>, kBatch> requests;
  std::array<std::array<std::uint8_t, dns::kUdpSize>, kBatch> responses;
  std::array<sockaddr_storage, kBatch> clients;
  alignas(cmsghdr) std::array<std::array<char, kControlSize>, kBatch> controls;
  std::array<iovec, kBatch> request_parts, response_parts;
  std::array<mmsghdr, kBatch> in, out;
  std::size_t answers = 0;  // how many of `out` are to be sent

  // The headers that the kernel has changed: the first `received`, for `owner`. The others are ready as they are.
  std::size_t received = kBatch;
  const UdpListener* owner = nullptr;
};

void DeleteUdpBatch::operator()(UdpBatch* batch) const { delete batch; }
std::unique_ptr<UdpBatch, DeleteUdpBatch> make_udp_batch() {
  return std::unique_ptr<UdpBatch, DeleteUdpBatch>(new UdpBatch);
}

UdpListener::UdpListener(Descriptor socket, const Endpoint& local, const Router& router, Responder& responder,
                         UdpBatch& batch)
    : Origin(std::numeric_limits<std::size_t>::max()),
      socket_(std::move(socket)),
      local_(local),
      wildcard_(local.address.is_unspecified()),
      router_(router),
      responder_(responder),
      batch_(batch) {}

void UdpListener::serve() {
  for (int i = 0; i < kBatchesInARow; ++i) {
    if (serve_batch() < kBatch) return;
  }
}

void UdpListener::serve_all() {
  for (int i = 0; i < kMaxBatchesAtTheEnd; ++i) {
    if (serve_batch() == 0) return;
  }
}

std::size_t UdpListener::serve_batch() {
  const std::size_t changed = std::exchange(batch_.owner, this) == this ? batch_.received : kBatch;
  for (std::size_t i = 0; i < changed; ++i) {
    batch_.in[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    batch_.in[i].msg_hdr.msg_control = wildcard_ ? batch_.controls[i].data() : nullptr;
    batch_.in[i].msg_hdr.msg_controllen = wildcard_ ? kControlSize : 0;
  }
  const int received = recvmmsg(socket_.get(), batch_.in.data(), kBatch, 0, nullptr);
  const auto count = static_cast<std::size_t>(std::max(received, 0));
  batch_.received = count;
  if (count == 0) return 0;  // nothing there, or an ICMP error of an earlier answer
  const std::int64_t now = nanoseconds_now();
  batch_.answers = 0;
  for (std::size_t i = 0; i < count; ++i) answer(i, now);
  if (batch_.answers > 0) send(batch_.answers);
  return count;
}

void UdpListener::answer(std::size_t index, std::int64_t now) {
  mmsghdr& in = batch_.in[index];
  if (batch_.clients[index].ss_family != AF_INET && batch_.clients[index].ss_family != AF_INET6) return;
  Arrival arrival{dns::Transport::udp, Endpoint::from_sockaddr(static_cast<const sockaddr*>(in.msg_hdr.msg_name)),
                  local_, now, this};
  if (arrival.client.port == 0) return;  // not a valid port to answer to
  if (wildcard_) take_destination(in.msg_hdr, arrival.server);
  Bytes request(batch_.requests[index].data(), in.msg_len);
  if (router_.proxy != nullptr && !take_header(*router_.proxy, arrival, request)) [[unlikely]]
    return;
  const std::size_t slot = batch_.answers;
  const std::size_t size = responder_.respond(router_, request, arrival, batch_.responses[slot]);
  if (size == 0) return;
  batch_.response_parts[slot] = {batch_.responses[slot].data(), size};
  msghdr& out = batch_.out[slot].msg_hdr;
  out.msg_name = in.msg_hdr.msg_name;
  out.msg_namelen = in.msg_hdr.msg_namelen;
  out.msg_control = in.msg_hdr.msg_control;
  out.msg_controllen = in.msg_hdr.msg_controllen;
  ++batch_.answers;
}

// One by one: they come one by one.
void UdpListener::answer_later(const Arrival& arrival, Bytes response) {
  if (response.empty()) return;
  sockaddr_storage client;
  iovec part{const_cast<std::uint8_t*>(response.data()), response.size()};
  alignas(cmsghdr) std::array<char, kControlSize> control{};
  msghdr header{};
  header.msg_name = &client;
  header.msg_namelen = (arrival.proxy.port != 0 ? arrival.proxy : arrival.client).to_sockaddr(client);
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (wildcard_) header.msg_controllen = write_source(arrival, control);
  if (header.msg_controllen > 0) header.msg_control = control.data();
  while (sendmsg(socket_.get(), &header, 0) < 0 && errno == EINTR) {
  }
}

// An answer that cannot be sent is dropped: the client asks again. The others still go out.
void UdpListener::send(std::size_t count) {
  for (std::size_t sent = 0; sent < count;) {
    const int result = sendmmsg(socket_.get(), &batch_.out[sent], static_cast<unsigned>(count - sent), 0);
    if (result > 0) {
      sent += static_cast<std::size_t>(result);
    } else if (errno != EINTR) {
      ++sent;
    }
  }
}

}  // namespace swage::server
