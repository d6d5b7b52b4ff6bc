// dns64: AAAA records made of A records, for clients that reach IPv4 by a NAT64 (RFC 6147). In every dns process.
#pragma once

#include <array>

#include "core/plugin/plugin.h"
#include "core/plugin/server_label.h"

namespace swage::plugins::dns64 {

struct Settings {
  Prefix prefix;                // of IPv6; 32, 40, 48, 56, 64 or 96 bits
  bool translates_all = false;  // whatever AAAA records there are
  bool takes_ipv4 = false;      // clients of IPv4, too
};

using Address = std::array<std::uint8_t, 16>;

// The IPv4 address within the prefix (RFC 6052 section 2.2). REQUIRES: its length is one of Settings::prefix; `ipv4`
// has 4 bytes.
[[nodiscard]] Address embed(const Prefix& prefix, Bytes ipv4);

class Dns64 : public Plugin {
 public:
  Dns64(const Settings& settings, ServerLabel servers, metrics::Counters translated)
      : settings_(settings), servers_(std::move(servers)), translated_(translated) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  [[nodiscard]] bool takes(const Query& query) const;
  [[nodiscard]] bool is_to_be_translated(const Response& response) const;
  void translate(Response& response, std::uint32_t most_ttl) const;

  Settings settings_;
  ServerLabel servers_;
  metrics::Counters translated_;  // by ServerLabel
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::dns64
