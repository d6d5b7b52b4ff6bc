// The PROXY protocol (haproxy's doc/proxy-protocol.txt), versions 1 and 2: a proxy says in front of a connection's
// bytes, or of a datagram, from whom they come. ProxyPolicy says whom to believe. No I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/net.h"

namespace swage {

// What is at the start of some bytes.
struct ProxyHeader {
  enum class Found : std::uint8_t {
    none,        // no header
    incomplete,  // these bytes may become one
    malformed,   // no header, and nothing else: not to be served
    header,
  };
  Found found = Found::none;
  std::size_t size = 0;         // bytes of the header
  bool names_client = false;    // false: whoever sends it speaks for himself, or has come some other way than IP
  Endpoint client{}, server{};  // what it says; IPv4-mapped IPv6 is IPv4
};

// Bytes that a header has at most, whatever it says.
inline constexpr std::size_t kMostProxyHeader = 2048;

// The header that `bytes` begin with. A text of version 1 has at most 107 bytes; of version 2 what comes after the
// addresses is looked at as far as to know that it is whole.
[[nodiscard]] ProxyHeader read_proxy_header(Bytes bytes);

// What the server does with headers, by who sends them.
struct ProxyPolicy {
  enum class Rule : std::uint8_t {
    use,     // the client is whom it names; who sends none speaks for himself
    ignore,  // it is skipped: the client is who has sent it
    reject,  // whoever sends one is not served
    skip,    // nobody looks for it: it is part of the request, which is malformed then
  };
  std::vector<Prefix> allowed;  // whose headers are used
  Rule others = Rule::ignore;

  bool operator==(const ProxyPolicy&) const = default;
  [[nodiscard]] Rule rule_for(const IpAddress& sender) const;

  // What is to be done with the bytes of `sender`. `size`: of a header that is skipped; `client`: whom the request is
  // from.
  struct Verdict {
    enum class Do : std::uint8_t { serve, wait, refuse } what = Do::serve;
    std::size_t size = 0;
    Endpoint client{};
  };
  [[nodiscard]] Verdict judge(Bytes bytes, const Endpoint& sender) const;
};

}  // namespace swage
