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
  const std::size_t labels = zone.label_count();
  places_.push_back({static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint8_t>(zone.size()),
                     static_cast<std::uint8_t>(labels)});
  bytes_.insert(bytes_.end(), zone.data(), zone.data() + zone.size());
  most_labels_ = std::max(most_labels_, labels);
  return {number, true};
}

void ZoneIndex::insert(const Slot& slot) {
  std::size_t at = slot.hash & (slots_.size() - 1);
  while (slots_[at].number != kNone) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = slot;
}

std::uint32_t ZoneIndex::find(const Query& query, std::size_t most_labels) const {
  if (places_.size() <= kFew) [[likely]]
    return find_among_few(query, most_labels);
  std::uint32_t longest = kNone;
  for_each_suffix(query, std::min(most_labels, most_labels_), [&](std::uint64_t hash, NameView name) {
    if (const std::uint32_t number = probe(hash, name); number != kNone) longest = number;
  });
  return longest;
}

std::uint32_t ZoneIndex::find_among_few(const Query& query, std::size_t most_labels) const {
  std::uint32_t longest = kNone;
  std::size_t least = 0;  // labels: what is shorter is not looked at
  for (std::uint32_t number = 0; number < places_.size(); ++number) {
    const Place& place = places_[number];
    if (place.labels < least || place.labels > most_labels) continue;
    const NameView end = query.key_suffix(query.label_count - place.labels);
    if (end.size() != place.size || !end.same_spelling(name(number))) continue;
    longest = number;
    least = place.labels + 1U;
  }
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
