#include "core/denylist/builder.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>

namespace swage::denylist {

using layout::Header;
using layout::Parts;
using layout::V4;
using layout::V6;

namespace {

constexpr std::uint32_t kMinFilterLog = 19;     // 4 MiB: what a million prefixes take, so that fewer cost the same
constexpr std::uint64_t kMaxUnits = 4;          // of one size, for a range; then larger units are taken
constexpr std::uint64_t kMaxLargest = 1 << 16;  // of the largest, for a range
// Of all ranges, besides kMaxUnits for each: a short list of huge networks would take gigabytes.
constexpr std::uint64_t kMaxBesides = 1 << 20;

// An entry of a list, as a number; `rank` says which list decides where several have an address: the least.
template <typename Family>
struct Entry {
  typename Family::Key first;
  std::uint16_t rank;
  std::uint8_t length;
};

bool is_mapped(const Prefix& prefix) {
  if (!prefix.address.is_v6() || prefix.length < 96) return false;
  const layout::Key6 key = V6::key_of(prefix.address);
  return key.high == 0 && key.low >> 32 == 0xFFFF;
}

template <typename Family>
void add_entry(std::vector<Entry<Family>>& entries, const Prefix& prefix, std::uint16_t rank) {
  if constexpr (std::is_same_v<Family, V4>) {
    if (is_mapped(prefix)) {
      const auto key = static_cast<std::uint32_t>(V6::key_of(prefix.address).low);
      entries.push_back({key, rank, static_cast<std::uint8_t>(prefix.length - 96)});
    } else if (!prefix.address.is_v6()) {
      entries.push_back({V4::key_of(prefix.address), rank, prefix.length});
    }
  } else {
    if (prefix.address.is_v6() && !is_mapped(prefix)) {
      entries.push_back({V6::key_of(prefix.address), rank, prefix.length});
    }
  }
}

// Allow lists before deny lists, each kind in its order: for each rank, 1 + the index of the list.
std::vector<std::uint32_t> ranked(std::span<const Source> lists) {
  std::vector<std::uint32_t> order;
  for (const Type type : {Type::allow, Type::deny}) {
    for (std::uint32_t i = 0; i < lists.size(); ++i) {
      if (lists[i].type == type) order.push_back(i + 1);
    }
  }
  return order;
}

// Entries, those that contain others before them, become ranges.
template <typename Family>
class Sweep {
 public:
  using Key = typename Family::Key;
  explicit Sweep(const std::vector<std::uint32_t>& order) : order_(order) { ranges_.push_back({}); }

  void add(const Entry<Family>& entry) {
    close_before(entry.first);
    const std::uint16_t rank = open_.empty() ? entry.rank : std::min(open_.back().rank, entry.rank);
    open_.push_back({Family::last_of(entry.first, entry.length), rank});
    begin(entry.first, order_[rank]);
  }
  std::vector<typename Family::Range> finish() {
    while (!open_.empty()) close();
    return std::move(ranges_);
  }

 private:
  struct Open {
    Key last;
    std::uint16_t rank;  // the least of all that are open
  };

  void close_before(Key key) {
    while (!open_.empty() && open_.back().last < key) close();
  }
  void close() {
    const Key last = open_.back().last;
    open_.pop_back();
    if (last == Family::highest()) return;
    begin(Family::after(last), open_.empty() ? 0 : order_[open_.back().rank]);
  }
  void begin(Key first, std::uint32_t list) {
    if (ranges_.back().first == first) {
      ranges_.back().list = list;
      // It may now be the same as what is before it.
      if (ranges_.size() > 1 && ranges_[ranges_.size() - 2].list == list) ranges_.pop_back();
      return;
    }
    if (ranges_.back().list == list) return;
    typename Family::Range range{};
    range.first = first;
    range.list = list;
    ranges_.push_back(range);
  }

  const std::vector<std::uint32_t>& order_;
  std::vector<Open> open_;
  std::vector<typename Family::Range> ranges_;
};

// The size of units for the addresses `first` to `last`, an index of kUnits; nullopt: none is large enough.
template <typename Family>
std::optional<std::size_t> unit_size(typename Family::Key first, typename Family::Key last) {
  for (std::size_t size = 0; size < Family::kUnits.size(); ++size) {
    const unsigned bits = Family::kUnits[size];
    const std::uint64_t count = Family::unit(last, bits) - Family::unit(first, bits);  // less one
    const bool largest = size + 1 == Family::kUnits.size();
    if (count < (largest ? kMaxLargest : kMaxUnits)) return size;
  }
  return std::nullopt;
}

// How many bits are free in the prefix that is `first` to `last`; nullopt: it is none.
std::optional<unsigned> free_bits(std::uint64_t first, std::uint64_t last) {
  const std::uint64_t differ = first ^ last;
  if ((differ & (differ + 1)) != 0 || (first & differ) != 0) return std::nullopt;
  return static_cast<unsigned>(std::bit_width(differ));
}
std::optional<unsigned> free_bits(layout::Key6 first, layout::Key6 last) {
  if (first.high == last.high) return free_bits(first.low, last.low);
  const auto high = first.low == 0 && last.low == ~0ULL ? free_bits(first.high, last.high) : std::nullopt;
  return high ? std::optional(64 + *high) : std::nullopt;
}

// The ranges that divide all addresses of a family, and what slots say of units.
template <typename Family>
class Divided {
 public:
  using Key = typename Family::Key;
  using Range = typename Family::Range;
  using Slot = typename Family::Slot;
  explicit Divided(std::span<const Range> ranges) : ranges_(ranges) {}

  [[nodiscard]] Key last_of(std::size_t range) const {
    return range + 1 == ranges_.size() ? Family::highest() : Family::before(ranges_[range + 1].first);
  }
  // Of the unit that begins at `first`. REQUIRES: it does so in one of the ranges up to `range`.
  [[nodiscard]] Slot slot(Key first, std::size_t size, std::size_t range) const {
    if (first < ranges_[range].first) range = range_of(first, range);
    Slot slot{};
    slot.address = first;
    slot.content = layout::Content::divided(size, static_cast<std::uint32_t>(range));
    const Key last = Family::last_of(first, Family::kUnits[size]);
    if (ranges_[range].list == 0) ++range;
    // The unit's first part that is of a list; and what follows it, if anything, must be on no list.
    const Key part_first = std::max(first, ranges_[range].first), part_last = std::min(last, last_of(range));
    if (part_last < last && (ranges_[range + 1].list != 0 || last_of(range + 1) < last)) return slot;
    const auto free = free_bits(part_first, part_last);
    if (!free) return slot;
    slot.address = part_first;
    slot.content = layout::Content::prefix(size, *free, ranges_[range].list);
    return slot;
  }

 private:
  [[nodiscard]] std::size_t range_of(Key key, std::size_t most) const {
    const auto is_behind = [](Key wanted, const Range& range) { return wanted < range.first; };
    const auto after =
        std::upper_bound(ranges_.begin(), ranges_.begin() + static_cast<std::ptrdiff_t>(most) + 1, key, is_behind);
    return static_cast<std::size_t>(after - ranges_.begin()) - 1;
  }

  std::span<const Range> ranges_;
};

std::uint32_t log_of(std::uint64_t count) {
  return static_cast<std::uint32_t>(std::bit_width(std::bit_ceil(count)) - 1);
}

}  // namespace

template <typename Family>
void ImageBuilder::build(Built<Family>& built) const {
  const std::vector<std::uint32_t> order = ranked(lists_);
  std::vector<Entry<Family>> entries;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    for (const Prefix& prefix : lists_[order[rank] - 1].entries) {
      add_entry<Family>(entries, prefix, static_cast<std::uint16_t>(rank));
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first < b.first : a.length < b.length; });
  Sweep<Family> sweep(order);
  for (const auto& entry : entries) sweep.add(entry);
  entries = {};
  built.ranges = sweep.finish();

  const Divided<Family> divided(built.ranges);
  const std::uint64_t most = kMaxUnits * built.ranges.size() + kMaxBesides;
  std::array<std::optional<std::uint64_t>, Family::kUnits.size()> known;  // of each size, the one before
  for (std::uint32_t i = 0; i < built.ranges.size() && !built.saturated; ++i) {
    if (built.ranges[i].list == 0) continue;
    const auto first = built.ranges[i].first, last = divided.last_of(i);
    const auto size = unit_size<Family>(first, last);
    built.saturated = !size || built.slots.size() > most;
    if (built.saturated) break;
    const unsigned bits = Family::kUnits[*size];
    for (std::uint64_t unit = Family::unit(first, bits); unit <= Family::unit(last, bits); ++unit) {
      if (known[*size] == unit) continue;
      known[*size] = unit;
      built.slots.push_back(divided.slot(Family::first_of(unit, bits), *size, i));
    }
  }
  if (built.saturated) {
    built.slots.clear();
  } else {
    built.drop_ranges();
  }
}

// Leaves those that divided units need, mostly no range at all.
template <typename Family>
void ImageBuilder::Built<Family>::drop_ranges() {
  constexpr std::uint32_t kDropped = ~0U;
  std::vector<std::uint32_t> places(ranges.size(), kDropped);
  places[0] = 0;  // an image has one at least
  for (const auto& slot : slots) {
    if (!slot.content.is_divided()) continue;
    const auto last = Family::last_of(slot.address, Family::kUnits[slot.content.size()]);
    for (std::size_t i = slot.content.range(); i < ranges.size() && ranges[i].first <= last; ++i) places[i] = 0;
  }
  std::uint32_t kept = 0;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (places[i] == kDropped) continue;
    places[i] = kept;
    ranges[kept++] = ranges[i];
  }
  ranges.resize(kept);
  for (auto& slot : slots) {
    if (!slot.content.is_divided()) continue;
    slot.content = layout::Content::divided(slot.content.size(), places[slot.content.range()]);
  }
}

ImageBuilder::ImageBuilder(std::span<const Source> lists, std::uint64_t seed) : lists_(lists) {
  CHECK(lists.size() <= layout::kMaxLists);
  build(v4_);
  build(v6_);
  header_.magic = layout::kMagic;
  header_.seed = seed;
  header_.filter_log = std::max(kMinFilterLog, log_of((v4_.slots.size() + v6_.slots.size()) / 2 + 1));
  header_.lists = static_cast<std::uint32_t>(lists.size());
  for (const Source& list : lists) header_.names_size += static_cast<std::uint32_t>(list.name.size());
  const auto family = [](const auto& built) {
    return layout::FamilyHeader{static_cast<std::uint32_t>(built.ranges.size()),
                                static_cast<std::uint32_t>(std::min<std::uint64_t>(2 * built.slots.size() + 1, ~0U)),
                                built.saturated, 0};
  };
  header_.v4 = family(v4_);
  header_.v6 = family(v6_);
}

std::size_t ImageBuilder::size() const { return Parts(header_).end; }

template <typename Family>
void ImageBuilder::write(MutableBytes memory, const Built<Family>& built) const {
  const Parts parts(header_);
  std::memcpy(memory.data() + parts.ranges<Family>(), built.ranges.data(),
              built.ranges.size() * sizeof(typename Family::Range));
  auto* const filter = reinterpret_cast<std::uint64_t*>(memory.data() + parts.filter);
  auto* const slots = reinterpret_cast<typename Family::Slot*>(memory.data() + parts.slots<Family>());
  const std::uint32_t count = (header_.*Family::kHeader).slots;
  for (const auto& slot : built.slots) {
    const unsigned bits = Family::kUnits[slot.content.size()];
    const std::uint64_t hash = layout::hash<Family>(Family::unit(slot.address, bits), bits, header_.seed);
    filter[layout::filter_word(hash, header_.filter_log)] |= layout::filter_bits(hash);
    std::uint32_t at = layout::first_slot(hash, count);
    while (!slots[at].content.is_empty()) at = at + 1 == count ? 0 : at + 1;
    slots[at] = slot;
  }
}

void ImageBuilder::write(MutableBytes memory) const {
  CHECK(memory.size() == size());
  std::memcpy(memory.data(), &header_, sizeof header_);
  write(memory, v4_);
  write(memory, v6_);
  const Parts parts(header_);
  std::uint32_t name_at = 0;
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    const auto name_size = static_cast<std::uint32_t>(lists_[i].name.size());
    const layout::List list{lists_[i].type == Type::allow, name_at, name_size};
    std::memcpy(memory.data() + parts.lists + i * sizeof list, &list, sizeof list);
    std::memcpy(memory.data() + parts.names + name_at, lists_[i].name.data(), name_size);
    name_at += name_size;
  }
}

}  // namespace swage::denylist
