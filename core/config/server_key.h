// The keys in front of a server block, "dns://example.org:5300", and zones as a Corefile writes them. Text only: names
// as the wire has them are made by core/dns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/token.h"
#include "core/result.h"
#include "core/scheme.h"

namespace swage::config {

struct Key {
  Token token;
  std::vector<std::string> zones;  // as zones_of() gives them; one, but for CIDR off a label's boundary
  Scheme scheme = Scheme::dns;
  std::optional<std::uint16_t> port;  // nullopt: the default of the scheme
  bool same_word = false;             // as the key before it: "a.example,b.example"
};

// "[SCHEME://]ZONE[:PORT]". Fails, without file and line, for other transports and for what is not a valid zone or
// port.
[[nodiscard]] Result<Key> parse_key(std::string_view text);

// A zone in lower case and with its final dot: "Example.ORG" is {"example.org."}, "." is {"."}. A CIDR network gives
// its reverse zones, more than one where its length is not a multiple of 8 (IPv4) or 4 (IPv6): "10.0.2.0/23" is
// {"2.0.10.in-addr.arpa.", "3.0.10.in-addr.arpa."}, as CoreDNS has it. Bits after the length are ignored. Fails,
// without file and line, for what is not a valid domain name (RFC 1035 section 2.3.4; non-ASCII must be written as
// punycode).
[[nodiscard]] Result<std::vector<std::string>> zones_of(std::string_view text);

}  // namespace swage::config
