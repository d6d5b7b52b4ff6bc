#include "core/denylist/denylist.h"

namespace swage::denylist {

metrics::Counter counter(metrics::Registry& registry, Type type, std::string_view list) {
  const metrics::Labels labels = {{"name", std::string(list)}};
  if (type == Type::allow) {
    return registry.counter("coredns_forge_denylist_allowed_total",
                            "Addresses that a list allowed, whatever other lists say.", labels);
  }
  return registry.counter("coredns_forge_denylist_denied_total", "Addresses that a list denied.", labels);
}

void Denylist::count(const Match& match) const {
  if (registry_ == nullptr) return;
  if (match.list >= counters_.size()) counters_.resize(match.list + 1);
  auto& known = counters_[match.list];
  if (!known) known = counter(*registry_, match.type, match.name);
  known->add();
}

}  // namespace swage::denylist
