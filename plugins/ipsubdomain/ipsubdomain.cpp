#include "plugins/ipsubdomain/ipsubdomain.h"

#include <array>
#include <optional>
#include <span>

#include "core/forge/address_label.h"
#include "core/libp2p/peer_id.h"

namespace swage::plugins::ipsubdomain {

using dns::Type;

namespace {

// The address that is qname's first label, if it is of the type that is asked for.
std::optional<IpAddress> asked_address(const Query& query) {
  if (query.qtype != Type::a && query.qtype != Type::aaaa) return std::nullopt;
  const auto address = forge::parse_address_label(query.key.view().first_label());
  if (!address || address->is_v6() != (query.qtype == Type::aaaa)) return std::nullopt;
  return address;
}

// Which types a name has. That of an address has the same whether or not the address is denied at the moment.
constexpr std::array kA = {Type::a}, kAaaa = {Type::aaaa};

std::span<const Type> types_of(const Query& query, bool below_peer) {
  const auto address = below_peer ? forge::parse_address_label(query.key.view().first_label()) : std::nullopt;
  if (!address) return {};
  return address->is_v6() ? kAaaa : kA;
}

// True where the following plugins say that the name does not exist, or do not know its zone.
bool knows_nothing(const Response& response) {
  return response.answer.empty() && (response.rcode == dns::Rcode::nxdomain || response.rcode == dns::Rcode::refused);
}

}  // namespace

IpSubdomain::IpSubdomain(std::vector<ForgeZone> zones, denylist::Denylist denylist, Responses responses)
    : denylist_(std::move(denylist)), responses_(std::move(responses)) {
  for (ForgeZone& zone : zones) {
    const dns::Name apex = zone.apex;
    zones_.add(apex, {std::move(zone), apex.view().label_count()});
  }
}

Result<Outcome> IpSubdomain::serve(const Query& query, Response& response, Next next) const {
  if (query.qclass != dns::Class::in) return next(query, response);
  const Entry* const entry = zones_.find(query);
  if (entry == nullptr || query.label_count == entry->labels) return next(query, response);
  const std::size_t peer = query.label_count - entry->labels - 1;  // the index of the label that may be a peer ID
  if (!libp2p::PeerId::from_label(query.key_suffix(peer).first_label())) return next(query, response);

  if (const auto address = peer == 1 ? asked_address(query) : std::nullopt) {
    const auto listed = denylist_.find(*address);
    if (listed && listed->denied()) {
      responses_.denied(*listed);
      response.types.emplace();
      return no_data(query, response, next, entry->zone.apex);
    }
    responses_.address(query.qtype);
    return answer_address(query, response, entry->zone.ttl, *address);
  }
  if (dns::is_under_any(query.key, entry->zone.fallthrough)) {
    TRY(const Outcome outcome, next(query, response));
    if (outcome != Outcome::send || !knows_nothing(response)) return outcome;
  }
  responses_.no_data(query.qtype, peer == 0);
  if (query.edns.dnssec_ok) response.types = types_of(query, peer == 1);
  return no_data(query, response, next, entry->zone.apex);
}

}  // namespace swage::plugins::ipsubdomain
