#include "core/denylist/builder.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace swage::denylist {

using layout::Header;
using layout::Parts;
using layout::V4;
using layout::V6;

namespace {

constexpr std::uint32_t kMinFilterLog = 19;      // 4 MiB: what a million prefixes take, so that fewer cost the same
constexpr std::uint64_t kMostUnits = 4;          // of one size, for a range; then larger units are taken
constexpr std::uint64_t kMostLargest = 1 << 16;  // of the largest, for a range
// Of all ranges, besides kMostUnits for each: a short list of huge networks would take gigabytes.
constexpr std::uint64_t kMostBesides = 1 << 20;

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

// The size of units for the addresses `first` to `last`; 0: none is large enough.
template <typename Family>
unsigned unit_size(typename Family::Key first, typename Family::Key last) {
  for (const unsigned bits : Family::kUnits) {
    const std::uint64_t count = Family::unit(last, bits) - Family::unit(first, bits);  // less one
    const bool largest = bits == Family::kUnits.back();
    if (count < (largest ? kMostLargest : kMostUnits)) return bits;
  }
  return 0;
}

std::uint32_t log_of(std::uint64_t count) {
  return static_cast<std::uint32_t>(std::bit_width(std::bit_ceil(count)) - 1);
}

}  // namespace

template <typename Family>
void ImageBuilder::build(Built<Family>& built) const {
  const std::vector<std::uint32_t> order = ranked(lists_);
  std::vector<Entry<Family>> entries;
  for (std::uint16_t rank = 0; rank < order.size(); ++rank) {
    for (const Prefix& prefix : lists_[order[rank] - 1].entries) add_entry<Family>(entries, prefix, rank);
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first < b.first : a.length < b.length; });
  Sweep<Family> sweep(order);
  for (const auto& entry : entries) sweep.add(entry);
  entries = {};
  built.ranges = sweep.finish();

  const std::uint64_t most = kMostUnits * built.ranges.size() + kMostBesides;
  for (std::uint32_t i = 0; i < built.ranges.size() && !built.saturated; ++i) {
    if (built.ranges[i].list == 0) continue;
    const bool is_last = i + 1 == built.ranges.size();
    const auto first = built.ranges[i].first;
    const auto last = is_last ? Family::highest() : Family::before(built.ranges[i + 1].first);
    const unsigned bits = unit_size<Family>(first, last);
    built.saturated = bits == 0 || built.units.size() > most;
    if (built.saturated) break;
    for (std::uint64_t unit = Family::unit(first, bits); unit <= Family::unit(last, bits); ++unit) {
      const bool known = !built.units.empty() && built.units.back().number == unit && built.units.back().bits == bits;
      if (known) continue;
      const auto is_behind = [](auto key, const auto& range) { return key < range.first; };
      const auto behind =
          std::upper_bound(built.ranges.begin(), built.ranges.begin() + i + 1, Family::first_of(unit, bits), is_behind);
      const auto begins = static_cast<std::uint32_t>(behind - built.ranges.begin() - 1);
      built.units.push_back({unit, begins, static_cast<std::uint8_t>(bits)});
    }
  }
  if (built.saturated) built.units.clear();
}

ImageBuilder::ImageBuilder(std::span<const Source> lists, std::uint64_t seed) : lists_(lists) {
  CHECK(lists.size() <= layout::kMaxLists);
  build(v4_);
  build(v6_);
  header_.magic = layout::kMagic;
  header_.seed = seed;
  header_.filter_log = std::max(kMinFilterLog, log_of((v4_.units.size() + v6_.units.size()) / 2 + 1));
  header_.lists = static_cast<std::uint32_t>(lists.size());
  for (const Source& list : lists) header_.names_size += static_cast<std::uint32_t>(list.name.size());
  const auto family = [](const auto& built) {
    return layout::FamilyHeader{static_cast<std::uint32_t>(built.ranges.size()), log_of(2 * built.units.size() + 1),
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
  auto* const slots = reinterpret_cast<std::uint32_t*>(memory.data() + parts.slots<Family>());
  const std::uint64_t mask = (std::uint64_t{1} << (header_.*Family::kHeader).slots_log) - 1;
  for (const Unit& unit : built.units) {
    const std::uint64_t hash = layout::hash<Family>(unit.number, unit.bits, header_.seed);
    filter[layout::filter_word(hash, header_.filter_log)] |= layout::filter_bits(hash);
    std::uint64_t slot = hash & mask;
    while (slots[slot] != 0 && slots[slot] != unit.range + 1) slot = (slot + 1) & mask;
    slots[slot] = unit.range + 1;
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
