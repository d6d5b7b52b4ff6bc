// Multiaddr: the self-describing addresses of libp2p (https://github.com/multiformats/multiaddr), as a value, text ↔
// binary. It says nothing about what can be dialled. No I/O, any process.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/libp2p/multiaddr_protocols.h"
#include "core/libp2p/peer_id.h"
#include "core/net.h"
#include "core/result.h"

namespace swage::libp2p {

class MultiaddrError : public Error {
 public:
  enum class Kind {
    too_long,          // more than the bounds of Multiaddr
    malformed,         // no multiaddr: no '/' at the start, a value that is missing or cut off, a bad varint
    unknown_protocol,  // a protocol that is not in our table: somebody's transport; skip the address
    bad_value,         // a value that is not valid for its protocol
  };

  MultiaddrError(Kind kind, std::string text) : Error(std::move(text)), kind_(kind) {}
  [[nodiscard]] Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

namespace multiaddr {

// One step of an address: "/tcp/4001" is {Protocol::tcp, 0F A1}.
struct Component {
  Protocol protocol{};
  std::vector<std::uint8_t> value;  // without the length that goes before it in binary; of the protocol's Form

  [[nodiscard]] std::optional<IpAddress> ip() const;        // of ip4 and ip6
  [[nodiscard]] std::optional<std::uint16_t> port() const;  // of tcp, udp, dccp and sctp
  [[nodiscard]] std::optional<PeerId> peer_id() const;      // of p2p
  [[nodiscard]] std::optional<std::string_view> text()
      const;  // of dns*, sni, ip6zone, memory: lives with the component

  bool operator==(const Component&) const = default;
};

}  // namespace multiaddr

// An address of one component or more.
//
//     text     /ip4/127.0.0.1/udp/1234          the names of the protocols, each followed by its value
//     binary   04 7F000001 | 91 02 04D2         varint of the code, then the value: of fixed size, or its length
//                                               (varint) and its bytes
//
// Parsing accepts more than one text for an address ("ipfs" for p2p, CIDs for peer IDs, a trailing '/'); to_string()
// writes one. Binary forms are as unique as the address.
class Multiaddr {
 public:
  static constexpr std::size_t kMaxBytes = 1024;
  static constexpr std::size_t kMaxText = 4096;  // characters; every address of kMaxBytes has less
  static constexpr std::size_t kMaxComponents = 64;

  [[nodiscard]] static std::expected<Multiaddr, MultiaddrError> parse(std::string_view text);
  [[nodiscard]] static std::expected<Multiaddr, MultiaddrError> from_bytes(Bytes bytes);

  [[nodiscard]] std::span<const multiaddr::Component> components() const { return components_; }
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] std::vector<std::uint8_t> to_bytes() const;

  // Whether one of the components is this one.
  [[nodiscard]] bool contains(multiaddr::Protocol protocol) const;

  bool operator==(const Multiaddr&) const = default;

 private:
  Multiaddr() = default;

  std::vector<multiaddr::Component> components_;
};

}  // namespace swage::libp2p
