#include "core/server/router.h"

#include <algorithm>

namespace swage::server {

bool Router::add(dns::NameView zone, const Block& block) {
  filtered_ = filtered_ || !block.filters.empty();
  if (zones_.add(zone, {{&block, zone}})) return true;
  return add_next(*zones_.at(zone), block);
}

bool Router::add_next(Entry& entry, const Block& block) {
  bool all = entry.match.block->filters.empty();
  std::uint32_t* last = &entry.next;
  for (; *last != 0; last = &next_[*last - 1].next) all = all || next_[*last - 1].block->filters.empty();
  if (all && block.filters.empty()) return false;
  *last = static_cast<std::uint32_t>(next_.size() + 1);
  next_.push_back({&block, 0});
  return true;
}

bool Router::serves(dns::NameView zone, const Block& block) const {
  const Entry* const entry = zones_.at(zone);
  if (entry == nullptr || entry->match.block == &block) return entry != nullptr;
  for (std::uint32_t next = entry->next; next != 0; next = next_[next - 1].next) {
    if (next_[next - 1].block == &block) return true;
  }
  return false;
}

Router::Match Router::match(const Query& query) const {
  if (!filtered_) [[likely]] {
    const Entry* const entry = zones_.authority(query);
    return entry == nullptr ? Match{} : entry->match;
  }
  const Block* block = nullptr;
  const Entry* const entry = zones_.authority(query, [&](const Entry& each) {
    block = accepting(each, query);
    return block != nullptr;
  });
  return entry == nullptr ? Match{} : Match{block, entry->match.zone};
}

// The first of the zone's blocks that takes the query.
const Block* Router::accepting(const Entry& entry, const Query& query) const {
  const auto accepts = [&query](const auto& filter) { return filter->accepts(query); };
  const Block* block = entry.match.block;
  for (std::uint32_t next = entry.next;; next = next_[next - 1].next) {
    if (std::ranges::all_of(block->filters, accepts)) return block;
    if (next == 0) return nullptr;
    block = next_[next - 1].block;
  }
}

}  // namespace swage::server
