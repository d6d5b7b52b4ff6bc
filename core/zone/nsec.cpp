// Denial by NSEC (RFC 4034 section 4, RFC 4035 section 3.1.3).
#include <algorithm>

#include "core/dns/canonical_key.h"
#include "core/zone/denial.h"

namespace swage::dns {

using zone_image::Node;
using zone_image::Ref;

void NsecChain::match(const Node& node) {
  if (const auto* nsec = find_rrset(node, Type::nsec)) {
    sections_.add_once(node, *nsec);
  } else {
    cover(node.name());
  }
}

void NsecChain::cover(NameView name) {
  const zone_image::Header& header = zone_.header();
  const auto* const keys = zone_.at<KeyPrefix>(header.order_keys);
  const std::size_t steps = (header.order_count + zone_image::kOrderStep - 1) / zone_image::kOrderStep;
  const auto [low, high] = std::equal_range(keys, keys + steps, KeyPrefix::of(name, zone_.apex().name_size));
  // What is before `low` is below the name, what is behind `high` above it; in between the keys do not tell.
  const std::size_t first = low == keys ? 0 : static_cast<std::size_t>(low - keys - 1) * zone_image::kOrderStep;
  const std::size_t last =
      std::min<std::size_t>(static_cast<std::size_t>(high - keys) * zone_image::kOrderStep, header.order_count);
  const auto* const order = zone_.at<Ref>(header.order);
  const Ref* const after = std::upper_bound(order + first, order + last, name, [this](NameView wanted, Ref node) {
    return wanted < zone_.at<Node>(node)->name();
  });
  if (after == order) return;  // not in a chain that starts at the apex
  const Node& owner = *zone_.at<Node>(after[-1]);
  sections_.add_once(owner, *find_rrset(owner, Type::nsec));
}

}  // namespace swage::dns
