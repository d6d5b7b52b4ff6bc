#include "core/plugin/server_label.h"

#include <algorithm>

namespace swage {

ServerLabel::ServerLabel(std::vector<Listener> listeners) : listeners_(std::move(listeners)) {
  for (const Listener& each : listeners_) {
    if (std::ranges::find(names_, each.name) == names_.end()) names_.push_back(each.name);
  }
}

std::size_t ServerLabel::index_of(const Query& query) const {
  std::size_t best = names_.size();
  for (const Listener& each : listeners_) {
    if (each.endpoint.port != query.server.port) continue;
    const bool exact = each.endpoint.address == query.server.address;
    const bool any =
        each.endpoint.address.is_unspecified() && each.endpoint.address.is_v6() == query.server.address.is_v6();
    if (!exact && !any) continue;
    best = static_cast<std::size_t>(std::ranges::find(names_, each.name) - names_.begin());
    if (exact) return best;
  }
  return best;
}

}  // namespace swage
