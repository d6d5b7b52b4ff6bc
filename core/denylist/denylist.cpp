#include "core/denylist/denylist.h"

#include "core/embedded_ipv4.h"

namespace swage::denylist {

metrics::Counter counter(metrics::Registry& registry, Type type, std::string_view list) {
  const metrics::Labels labels = {{"name", std::string(list)}};
  if (type == Type::allow) {
    return registry.counter("coredns_forge_denylist_allowed_total",
                            "Addresses that a list allowed, whatever other lists say.", labels);
  }
  return registry.counter("coredns_forge_denylist_denied_total", "Addresses that a list denied.", labels);
}

std::optional<Match> Denylist::find_embedded(const Image& image, const IpAddress& address) {
  for (const IpAddress& each : EmbeddedIpv4(address)) {
    const auto match = image.find(each);
    if (match && match->denied()) return match;
  }
  return std::nullopt;
}

void Denylist::count(const Match& match) const {
  if (registry_ == nullptr) return;
  if (match.list >= counters_.size()) counters_.resize(match.list + 1);
  auto& known = counters_[match.list];
  if (!known) known = counter(*registry_, match.type, match.name);
  known->add();
}

}  // namespace swage::denylist
