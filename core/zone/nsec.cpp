// Denial by NSEC (RFC 4034 section 4, RFC 4035 section 3.1.3).
#include <algorithm>

#include "core/zone/canonical_key.h"
#include "core/zone/denial.h"

namespace swage::zone {

using image::Node;
using image::Ref;

void NsecChain::match(const Node& node) {
  if (const auto* nsec = find_rrset(node, dns::Type::nsec)) {
    sections_.add_once(node, *nsec);
  } else {
    cover(node.name());
  }
}

void NsecChain::cover(dns::NameView name) {
  const image::Header& header = zone_.header();
  const auto* const keys = zone_.at<KeyPrefix>(header.order_keys);
  const std::size_t steps = (header.order_count + image::kOrderStep - 1) / image::kOrderStep;
  const auto [low, high] = std::equal_range(keys, keys + steps, KeyPrefix::of(name, zone_.apex().name_size));
  // What is before `low` is below the name, what is after `high` above it; in between the keys are equal.
  const std::size_t first = low == keys ? 0 : static_cast<std::size_t>(low - keys - 1) * image::kOrderStep;
  const std::size_t last =
      std::min<std::size_t>(static_cast<std::size_t>(high - keys) * image::kOrderStep, header.order_count);
  const auto* const order = zone_.at<Ref>(header.order);
  const Ref* const after = std::upper_bound(order + first, order + last, name, [this](dns::NameView wanted, Ref node) {
    return wanted < zone_.at<Node>(node)->name();
  });
  if (after == order) return;  // not in a chain that starts at the apex
  const Node& owner = *zone_.at<Node>(after[-1]);
  sections_.add_once(owner, *find_rrset(owner, dns::Type::nsec));
}

}  // namespace swage::zone
