// For the tests of a Dialer: one on a loop of its own, with short times, which may dial loopback.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/async/dns_testing.h"
#include "core/dial/dialer.h"
#include "core/dial/testing.h"  // last, with Catch: its CHECK is the one that counts here

namespace swage::dial::testing {

using async::testing::DnsQuestion;
using async::testing::DnsServer;
using Kind = DialError::Kind;
using Outcome = std::expected<Reached, DialError>;

inline IpAddress ip(const std::string& text) { return *IpAddress::parse(text); }

inline std::vector<Prefix> prefixes(const std::vector<std::string>& texts) {
  std::vector<Prefix> list;
  for (const std::string& text : texts) list.push_back(*Prefix::parse(text));
  return list;
}

inline Settings quick() {
  using namespace std::chrono_literals;
  Settings settings;
  settings.timeout = 3s;
  settings.connect_timeout = 500ms;
  settings.handshake_timeout = 1s;
  settings.target_timeout = 800ms;
  settings.lookup_step = settings.stagger = 100ms;
  settings.network_limit = settings.foreign_limit = {};
  settings.identify_timeout = 1s;
  settings.policy = AddressPolicy(prefixes({"127.0.0.0/8", "::1"}), {});
  settings.resolver.hosts_file = false;
  return settings;
}

struct Bench {
  explicit Bench(Settings settings = quick())
      : dialer(std::make_unique<Dialer>(loop, key_of(1), std::move(settings))) {}

  // As peer_of(`seed`).
  Outcome reach(std::uint8_t seed, std::vector<std::string> addresses, const std::string& client = "127.0.0.1") {
    return run(loop, dialer->reach(peer_of(seed), std::move(addresses), ip(client), cancel));
  }

  Loop loop;
  async::Event cancel{loop};
  std::unique_ptr<Dialer> dialer;
};

}  // namespace swage::dial::testing
