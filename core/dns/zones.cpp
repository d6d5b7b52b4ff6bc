#include "core/dns/zones.h"

#include <algorithm>

namespace swage::dns {

std::uint64_t hash_name(NameView name) {
  return name.is_root() ? kRootHash : hash_label(hash_name(name.parent()), name.data());
}

std::pair<std::uint32_t, bool> ZoneIndex::add(NameView zone) {
  if (const std::uint32_t there = at(zone); there != kNone) return {there, false};
  if (2 * (places_.size() + 1) > slots_.size()) {
    std::vector<Slot> old(std::max<std::size_t>(8, slots_.size() * 2));
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.number != kNone) insert(slot);
    }
  }
  const auto number = static_cast<std::uint32_t>(places_.size());
  insert({hash_name(zone), number});
  places_.push_back({static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint8_t>(zone.size())});
  bytes_.insert(bytes_.end(), zone.data(), zone.data() + zone.size());
  most_labels_ = std::max(most_labels_, zone.label_count());
  return {number, true};
}

void ZoneIndex::insert(const Slot& slot) {
  std::size_t at = slot.hash & (slots_.size() - 1);
  while (slots_[at].number != kNone) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = slot;
}

std::uint32_t ZoneIndex::find(const Query& query, std::size_t most_labels) const {
  std::uint32_t longest = kNone;
  if (slots_.empty()) return longest;
  for_each_suffix(query, std::min(most_labels, most_labels_), [&](std::uint64_t hash, NameView name) {
    if (const std::uint32_t number = probe(hash, name); number != kNone) longest = number;
  });
  return longest;
}

std::size_t ZoneIndex::find_all(const Query& query, std::size_t most_labels, Numbers& found) const {
  std::size_t count = 0;
  if (slots_.empty()) return count;
  for_each_suffix(query, std::min(most_labels, most_labels_), [&](std::uint64_t hash, NameView name) {
    if (const std::uint32_t number = probe(hash, name); number != kNone) found[count++] = number;
  });
  return count;
}

}  // namespace swage::dns
