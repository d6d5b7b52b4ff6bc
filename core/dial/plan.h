// Which addresses of a list can be dialled, and how. Pure; nothing is resolved, judged or connected here.
//
//     /ip4/A | /ip6/A | /dns/N | /dns4/N | /dns6/N    /tcp/P    tcp
//                                                     …/ws      ws
//                                                     …/wss, …/tls/ws, …/tls/sni/N/ws     wss
//                                                     and after any of them: /p2p/ID, if it is the peer's own
//
// All else is skipped with a reason, and is never an error: QUIC, WebTransport, WebRTC, relays, /ip6zone, other peers'
// addresses, port 0, names that are not valid host names, and texts that are not multiaddrs. /dnsaddr, too: it stands
// for TXT records full of addresses, so one would make us dial any number of them, and no client of AutoTLS registers
// with one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/async/resolver.h"
#include "core/libp2p/multiaddr.h"
#include "core/libp2p/peer_id.h"
#include "core/net.h"

namespace swage::dial {

enum class Transport { tcp, ws, wss };

[[nodiscard]] std::string_view to_string(Transport transport);  // "tcp", "ws", "wss"

struct HostName {
  std::string name;  // lower-case, without a dot at its end; async::is_host_name()
  async::Resolver::Family family{};

  auto operator<=>(const HostName&) const = default;
};

struct Candidate {
  libp2p::Multiaddr address;  // as submitted
  Transport transport{};
  std::variant<IpAddress, HostName> host;
  std::uint16_t port = 0;
  std::string server_name;  // for SNI and for HTTP's Host; empty: the host is an address, and it is used
};

// An address that is not dialled, by its place among those that were submitted.
struct Skipped {
  std::size_t index = 0;
  std::string_view why;  // for the log
};

struct Plan {
  // In the order in which they were submitted, without those that would be dialled in the same way.
  std::vector<Candidate> candidates;
  std::vector<Skipped> skipped;
  // There are addresses, but all of them are of QUIC, WebTransport, WebRTC or relays.
  bool other_transports_only = false;
};

inline constexpr std::size_t kMaxSubmitted = 1024;    // characters of an address
inline constexpr std::size_t kMaxSubmissions = 1024;  // that are looked at

// At most `most` candidates.
[[nodiscard]] Plan plan(std::span<const std::string> submitted, const libp2p::PeerId& peer, std::size_t most);

}  // namespace swage::dial
