#include "core/dial/plan.h"

#include <algorithm>
#include <expected>
#include <optional>

#include "core/text.h"

namespace swage::dial {
namespace {

using libp2p::Multiaddr;
using libp2p::PeerId;
using libp2p::multiaddr::Component;
using libp2p::multiaddr::Protocol;
using Family = async::Resolver::Family;

// The components of an address, one after the other.
class Components {
 public:
  explicit Components(const Multiaddr& address) : rest_(address.components()) {}

  [[nodiscard]] bool done() const { return rest_.empty(); }
  // The next one, taken, if it is of this protocol.
  const Component* take(Protocol protocol) {
    if (rest_.empty() || rest_.front().protocol != protocol) return nullptr;
    const Component* const component = &rest_.front();
    rest_ = rest_.subspan(1);
    return component;
  }

 private:
  std::span<const Component> rest_;
};

std::optional<std::string> host_name(const Component& component) {
  std::string name(component.text().value_or(""));
  if (name.ends_with('.')) name.pop_back();
  if (!async::is_host_name(name)) return std::nullopt;
  return lower_case(name);
}

std::optional<std::variant<IpAddress, HostName>> take_host(Components& components) {
  for (const Protocol protocol : {Protocol::ip4, Protocol::ip6}) {
    if (const Component* component = components.take(protocol)) return component->ip();
  }
  for (const auto& [protocol, family] : {std::pair(Protocol::dns, Family::any), std::pair(Protocol::dns4, Family::v4),
                                         std::pair(Protocol::dns6, Family::v6)}) {
    const Component* const component = components.take(protocol);
    if (component == nullptr) continue;
    const auto name = host_name(*component);
    if (!name) return std::nullopt;
    return HostName{*name, family};
  }
  return std::nullopt;
}

struct Carrier {
  Transport transport = Transport::tcp;
  std::string sni;
};

std::optional<Carrier> take_carrier(Components& components) {
  if (components.take(Protocol::ws) != nullptr) return Carrier{Transport::ws, {}};
  if (components.take(Protocol::wss) != nullptr) return Carrier{Transport::wss, {}};
  if (components.take(Protocol::tls) == nullptr) return Carrier{};
  Carrier carrier{Transport::wss, {}};
  if (const Component* sni = components.take(Protocol::sni)) {
    const auto name = host_name(*sni);
    if (!name) return std::nullopt;
    carrier.sni = *name;
  }
  if (components.take(Protocol::ws) == nullptr) return std::nullopt;
  return carrier;
}

constexpr std::string_view kNoAddress = "not a multiaddr", kNotTcp = "not TCP or WebSocket", kRelay = "a relay";

// Why it can be nothing that is dialled, whatever it says beside that.
std::string_view other_transport(const Multiaddr& address) {
  const auto has = [&](Protocol protocol) {
    return std::ranges::any_of(address.components(), [&](const Component& each) { return each.protocol == protocol; });
  };
  if (has(Protocol::p2p_circuit)) return kRelay;
  return has(Protocol::tcp) ? "" : kNotTcp;
}

std::expected<Candidate, std::string_view> candidate(const std::string& submitted, const PeerId& peer) {
  if (submitted.size() > kMaxSubmitted) return std::unexpected("too long");
  auto address = Multiaddr::parse(submitted);
  if (!address) return std::unexpected(kNoAddress);
  if (const std::string_view why = other_transport(*address); !why.empty()) return std::unexpected(why);
  Components components(*address);
  const auto host = take_host(components);
  const Component* const tcp = host ? components.take(Protocol::tcp) : nullptr;
  if (tcp == nullptr) return std::unexpected("not an IP address or a host name, and TCP");
  const std::uint16_t port = tcp->port().value_or(0);
  if (port == 0) return std::unexpected("port 0");
  const auto carrier = take_carrier(components);
  if (!carrier) return std::unexpected("TLS, but not WebSocket");
  const Component* const p2p = components.take(Protocol::p2p);
  if (p2p != nullptr && p2p->peer_id() != peer) return std::unexpected("another peer's");
  if (!components.done()) return std::unexpected("something that is not dialled after TCP");
  std::string server_name = carrier->sni;
  const auto* const name = std::get_if<HostName>(&*host);
  if (server_name.empty() && name != nullptr && carrier->transport != Transport::tcp) server_name = name->name;
  return Candidate{*std::move(address), carrier->transport, *host, port, std::move(server_name)};
}

bool is_dialled_alike(const Candidate& a, const Candidate& b) {
  return a.transport == b.transport && a.host == b.host && a.port == b.port && a.server_name == b.server_name;
}

}  // namespace

std::string_view to_string(Transport transport) {
  switch (transport) {
    case Transport::tcp:
      return "tcp";
    case Transport::ws:
      return "ws";
    case Transport::wss:
      break;
  }
  return "wss";
}

Plan plan(std::span<const std::string> submitted, const PeerId& peer, std::size_t most) {
  Plan plan;
  std::size_t others = 0, addresses = 0;
  for (std::size_t i = 0; i < std::min(submitted.size(), kMaxSubmissions); ++i) {
    auto next = candidate(submitted[i], peer);
    if (!next) {
      plan.skipped.push_back({i, next.error()});
      if (next.error() != kNoAddress) ++addresses;
      if (next.error() == kNotTcp || next.error() == kRelay) ++others;
      continue;
    }
    ++addresses;
    const auto alike = [&](const Candidate& other) { return is_dialled_alike(*next, other); };
    if (std::ranges::any_of(plan.candidates, alike)) {
      plan.skipped.push_back({i, "the same as one before"});
    } else if (plan.candidates.size() == most) {
      plan.skipped.push_back({i, "one too many"});
    } else {
      plan.candidates.push_back(*std::move(next));
    }
  }
  plan.other_transports_only = addresses > 0 && others == addresses;
  return plan;
}

}  // namespace swage::dial
