// Denial by NSEC (RFC 4034 section 4, RFC 4035 section 3.1.3).
#include <algorithm>

#include "core/dns/zone_denial.h"

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
  const Ref* const begin = zone_.at<Ref>(header.order);
  const Ref* const after = std::upper_bound(begin, begin + header.order_count, name, [this](NameView wanted, Ref node) {
    return wanted < zone_.at<Node>(node)->name();
  });
  if (after == begin) return;  // not in a chain that starts at the apex
  const Node& owner = *zone_.at<Node>(after[-1]);
  sections_.add_once(owner, *find_rrset(owner, Type::nsec));
}

}  // namespace swage::dns
