// For tests of what resolves names: a little DNS server on loopback, which answers as the test wants.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/async/testing.h"

namespace swage::async::testing {

struct DnsQuestion {
  std::string name;  // as it was asked, without the last dot
  std::uint16_t type = 0;
  bool operator==(const DnsQuestion&) const = default;
};

inline constexpr std::uint16_t kDnsA = 1, kDnsAaaa = 28;

class DnsServer {
 public:
  struct Answer {
    std::vector<IpAddress> addresses{};
    unsigned rcode = 0;
    bool silent = false;
    std::vector<std::uint8_t> instead{};  // these bytes behind the ID
  };
  using Respond = std::function<Answer(const DnsQuestion&)>;

  DnsServer(Loop& loop, Respond respond)
      : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
        respond_(std::move(respond)),
        poll_(loop, bound(fd_, at_), [this] { read(); }) {}
  ~DnsServer() {
    poll_.stop();
    ::close(fd_);
  }

  [[nodiscard]] const Endpoint& at() const { return at_; }
  [[nodiscard]] const std::vector<DnsQuestion>& asked() const { return asked_; }
  void stop() { poll_.stop(); }  // so that the loop can end

 private:
  static int bound(int fd, Endpoint& at) {
    sockaddr_storage address;
    socklen_t size = loopback().to_sockaddr(address);
    auto* name = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(fd, name, size) == 0);
    REQUIRE(getsockname(fd, name, &size) == 0);
    at = Endpoint::from_sockaddr(name);
    return fd;
  }

  void read() {
    std::uint8_t query[512];
    sockaddr_storage from;
    socklen_t from_size = sizeof from;
    const ssize_t size = recvfrom(fd_, query, sizeof query, 0, reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 17) return;
    DnsQuestion question;
    std::size_t i = 12;
    for (; query[i] != 0; i += query[i] + 1U) {
      question.name +=
          (question.name.empty() ? "" : ".") + std::string(reinterpret_cast<char*>(query) + i + 1, query[i]);
    }
    const std::size_t end = i + 5;
    question.type = load_u16(query + i + 1);
    asked_.push_back(question);
    const Answer answer = respond_(question);
    if (answer.silent) return;
    std::vector<std::uint8_t> reply(query, query + end);
    reply[2] = 0x81;  // a response; recursion desired
    reply[3] = static_cast<std::uint8_t>(0x80 | answer.rcode);
    unsigned count = 0;
    for (const IpAddress& address : answer.addresses) {
      if (address.is_v6() != (question.type == kDnsAaaa)) continue;
      const std::uint8_t head[] = {0xC0, 12, 0, static_cast<std::uint8_t>(question.type), 0, 1, 0, 0, 0, 60, 0};
      reply.insert(reply.end(), std::begin(head), std::end(head));
      reply.push_back(static_cast<std::uint8_t>(address.bytes().size()));
      reply.insert(reply.end(), address.bytes().begin(), address.bytes().end());
      ++count;
    }
    store_u16(&reply[6], static_cast<std::uint16_t>(count));
    store_u16(&reply[8], 0);
    store_u16(&reply[10], 0);
    if (!answer.instead.empty()) {
      reply.resize(2);
      reply.insert(reply.end(), answer.instead.begin(), answer.instead.end());
    }
    sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&from), from_size);
  }

  int fd_;
  Respond respond_;
  Endpoint at_;
  std::vector<DnsQuestion> asked_;
  Poll poll_;
};

}  // namespace swage::async::testing
