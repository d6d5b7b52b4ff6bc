// Zones of a Corefile, and what belongs to each: which of them a name is in, and which of them answers a query.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/dns/label_hash.h"
#include "core/dns/name.h"
#include "core/dns/query.h"

namespace swage::dns {

// Whether `name` is in one of the zones: few, so they are looked at one by one.
[[nodiscard]] inline bool is_under_any(NameView name, const std::vector<Name>& zones) {
  for (const Name& zone : zones) {
    if (name.is_under(zone)) return true;
  }
  return false;
}

// The hash of the root, on which those of all names are built (hash_label).
inline constexpr std::uint64_t kRootHash = 0x9E3779B97F4A7C15;

// REQUIRES: `name` is in lower case.
[[nodiscard]] std::uint64_t hash_name(NameView name);

// Calls look(hash, name) for the last labels of the query's name, in lower case: for none of them (the root), one, and
// so on up to `most_labels` (or all).
template <typename Look>
void for_each_suffix(const Query& query, std::size_t most_labels, const Look& look) {
  std::uint64_t hash = kRootHash;
  for (std::size_t labels = 0;; ++labels) {
    look(hash, query.key_suffix(query.label_count - labels));
    if (labels == most_labels || labels == query.label_count) return;
    hash = hash_label(hash, query.key.data() + query.labels[query.label_count - labels - 1U]);
  }
}

// find(most_labels) is asked for the longest zone that has so many labels of the query's name, or fewer. The DS records
// of a zone are its parent's (RFC 4035 section 3.1.4.1): for QTYPE DS the zone of that very name gives way to one above
// it, if there is one.
template <typename Find>
[[nodiscard]] auto find_authority(const Query& query, const Find& find) {
  if (query.qtype == Type::ds && query.label_count > 0) [[unlikely]] {
    if (const auto above = find(query.label_count - 1U)) return above;
  }
  return find(std::size_t{query.label_count});
}

// The names of zones as numbers, in the order in which they were added. Up to kFew are compared with the end of a name
// one by one; more are in a hash table, which is looked into once for each label of a name, up to as many as the
// longest zone has.
class ZoneIndex {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // The zone's number, and whether it is new. `zone` is in lower case.
  std::pair<std::uint32_t, bool> add(NameView zone);
  // Of exactly this zone, in lower case.
  [[nodiscard]] std::uint32_t at(NameView zone) const { return slots_.empty() ? kNone : probe(hash_name(zone), zone); }
  [[nodiscard]] NameView name(std::uint32_t number) const {
    return {&bytes_[places_[number].start], places_[number].size};
  }

  // The longest zone that the query's name is in.
  [[nodiscard]] std::uint32_t find(const Query& query, std::size_t most_labels) const;
  // All of them, the shortest first: how many.
  using Numbers = std::array<std::uint32_t, kMaxLabels + 1>;
  [[nodiscard]] std::size_t find_all(const Query& query, std::size_t most_labels, Numbers& found) const;

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t number = kNone;
  };
  [[nodiscard]] std::uint32_t probe(std::uint64_t hash, NameView name) const {
    for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.number == kNone) return kNone;
      if (slot.hash == hash && this->name(slot.number).same_spelling(name)) return slot.number;
    }
  }
  void insert(const Slot& slot);
  [[nodiscard]] std::uint32_t find_among_few(const Query& query, std::size_t most_labels) const;

  static constexpr std::size_t kFew = 8;

  std::vector<Slot> slots_;  // open addressing; a power of two, at least half of them empty
  struct Place {
    std::uint32_t start;
    std::uint8_t size;
    std::uint8_t labels;
  };
  std::vector<Place> places_;  // of the names in bytes_
  std::vector<std::uint8_t> bytes_;
  std::size_t most_labels_ = 0;
};

// A value for each zone.
template <typename Value>
class ZoneTable {
 public:
  // False where the zone, in lower case, has a value already, which stays.
  bool add(NameView zone, Value value) {
    const bool is_new = index_.add(zone).second;
    if (is_new) values_.push_back(std::move(value));
    return is_new;
  }
  // Of exactly this zone, in lower case; nullptr where it has none.
  [[nodiscard]] const Value* at(NameView zone) const { return value(index_.at(zone)); }
  [[nodiscard]] Value* at(NameView zone) { return const_cast<Value*>(std::as_const(*this).at(zone)); }
  [[nodiscard]] const std::vector<Value>& values() const { return values_; }  // in the order of add()

  // Of the longest zone that the query's name is in; nullptr where there is none.
  [[nodiscard]] const Value* find(const Query& query) const { return value(index_.find(query, query.label_count)); }
  // The same for the zone that answers the query: see find_authority().
  [[nodiscard]] const Value* authority(const Query& query) const {
    return find_authority(query, [&](std::size_t most) { return value(index_.find(query, most)); });
  }
  // The same among those that accept(value) is true for.
  template <typename Accept>
  [[nodiscard]] const Value* authority(const Query& query, const Accept& accept) const {
    return find_authority(query, [&](std::size_t most) -> const Value* {
      ZoneIndex::Numbers found;
      std::size_t count = index_.find_all(query, most, found);
      while (count > 0) {
        const Value& longest = values_[found[--count]];
        if (accept(longest)) return &longest;
      }
      return nullptr;
    });
  }

 private:
  [[nodiscard]] const Value* value(std::uint32_t number) const {
    return number == ZoneIndex::kNone ? nullptr : &values_[number];
  }

  ZoneIndex index_;
  std::vector<Value> values_;
};

}  // namespace swage::dns
