#include "tests/support/dns_script.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "core/text.h"

namespace swage::tests {
namespace {

constexpr std::size_t kHeader = 12;
constexpr int kA = 1, kAaaa = 28;

int open_socket(std::uint16_t port) {
  const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int no = 0;
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
  const int yes = 1;  // answers leave from the address that was asked
  setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof yes);
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_port = htons(port);
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) std::abort();
  return fd;
}

}  // namespace

DnsScript::DnsScript(std::uint16_t port, Answers answers)
    : answers_(std::move(answers)), socket_(open_socket(port)), thread_([this] { run(); }) {}

DnsScript::~DnsScript() {
  stopping_ = true;
  thread_.join();
  close(socket_);
}

std::size_t DnsScript::asked(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  std::size_t sum = 0;
  for (const auto& [question, count] : asked_) sum += question.first == name ? count : 0;
  return sum;
}

void DnsScript::run() {
  std::array<std::uint8_t, 512> buffer;
  while (!stopping_) {
    pollfd waiting{socket_, POLLIN, 0};
    if (poll(&waiting, 1, 20) != 1) continue;
    sockaddr_storage from{};
    iovec bytes{buffer.data(), buffer.size()};
    alignas(cmsghdr) char control[128];
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(socket_, &message, 0);
    if (size <= static_cast<ssize_t>(kHeader)) continue;
    std::vector<std::uint8_t> reply = answer({buffer.data(), static_cast<std::size_t>(size)});
    bytes = {reply.data(), reply.size()};
    sendmsg(socket_, &message, 0);  // with the address that came in msg_control
  }
}

std::vector<std::uint8_t> DnsScript::answer(Bytes query) {
  std::string name;
  std::size_t at = kHeader;
  while (at < query.size() && query[at] != 0) {
    if (!name.empty()) name += '.';
    for (std::size_t i = 1; i <= query[at] && at + i < query.size(); ++i) {
      name += to_lower(static_cast<char>(query[at + i]));
    }
    at += std::size_t{query[at]} + 1;
  }
  const std::size_t end = std::min(at + 5, query.size());
  const int type = end >= 4 ? query[end - 3] : 0;
  std::vector<std::uint8_t> reply(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(end));
  reply[2] = 0x84;  // QR, AA
  reply[3] = 0x80;  // RA
  std::fill(reply.begin() + 6, reply.begin() + kHeader, std::uint8_t{0});

  const auto found = answers_.find(name);
  std::size_t turn = 0;
  {
    const std::lock_guard lock(mutex_);
    turn = asked_[{name, type}]++;
  }
  if (found == answers_.end()) {
    reply[3] |= 3;  // NXDOMAIN
    return reply;
  }
  for (const std::string& text : found->second[std::min(turn, found->second.size() - 1)]) {
    const IpAddress address = *IpAddress::parse(text);
    if (type != (address.is_v6() ? kAaaa : kA)) continue;
    const auto size = static_cast<std::uint8_t>(address.bytes().size());
    const std::uint8_t fixed[] = {0xC0, kHeader, 0, static_cast<std::uint8_t>(type), 0, 1, 0, 0, 0, 0, 0, size};
    reply.insert(reply.end(), std::begin(fixed), std::end(fixed));
    reply.insert(reply.end(), address.bytes().begin(), address.bytes().end());
    ++reply[7];
  }
  return reply;
}

}  // namespace swage::tests
