#include "core/denylist/image.h"

#include <algorithm>
#include <cstring>

#include "core/denylist/layout.h"

namespace swage::denylist {

using layout::Header;
using layout::Parts;
using layout::V4;
using layout::V6;

namespace {

const Header& header_of(Bytes bytes) { return *reinterpret_cast<const Header*>(bytes.data()); }

template <typename T>
const T* at(Bytes bytes, std::uint64_t offset) {
  return reinterpret_cast<const T*>(bytes.data() + offset);
}

// One family of addresses of an image.
template <typename Family>
class Reader {
 public:
  using Key = typename Family::Key;
  using Range = typename Family::Range;

  explicit Reader(Bytes bytes)
      : header_(header_of(bytes)),
        family_(header_.*Family::kHeader),
        filter_(at<std::uint64_t>(bytes, Parts(header_).filter)),
        ranges_(at<Range>(bytes, Parts(header_).template ranges<Family>())),
        slots_(at<std::uint32_t>(bytes, Parts(header_).template slots<Family>())) {}

  // 1 + the index of the list; 0: none.
  [[nodiscard]] std::uint32_t find(Key key) const {
    std::array<std::uint64_t, Family::kUnits.size()> hashes;
    std::array<std::uint64_t, Family::kUnits.size()> missing;
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      hashes[i] = layout::hash<Family>(Family::unit(key, Family::kUnits[i]), Family::kUnits[i], header_.seed);
      missing[i] = ~filter_[layout::filter_word(hashes[i], header_.filter_log)] & layout::filter_bits(hashes[i]);
    }
    if (family_.saturated != 0) return search(0, family_.ranges, key);
    if (missing[0] != 0 && missing[1] != 0 && missing[2] != 0) [[likely]]
      return 0;
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      if (missing[i] != 0) continue;
      const unsigned bits = Family::kUnits[i];
      const auto range = find_unit(Family::first_of(Family::unit(key, bits), bits), hashes[i]);
      if (range) return walk(*range, key);
    }
    return 0;
  }

 private:
  [[nodiscard]] bool holds(std::uint32_t range, Key key) const {
    return ranges_[range].first <= key && (range + 1 == family_.ranges || ranges_[range + 1].first > key);
  }

  // The range in which the unit that begins at `first` begins.
  [[nodiscard]] std::optional<std::uint32_t> find_unit(Key first, std::uint64_t hash) const {
    const std::uint64_t mask = (std::uint64_t{1} << family_.slots_log) - 1;
    for (std::uint64_t i = 0; i <= mask; ++i) {
      const std::uint32_t slot = slots_[(hash + i) & mask];
      if (slot == 0) return std::nullopt;
      if (holds(slot - 1, first)) return slot - 1;
    }
    return std::nullopt;
  }

  // From a range at or before the key: in steps that double, as it is mostly near.
  [[nodiscard]] std::uint32_t walk(std::uint32_t range, Key key) const {
    std::uint64_t from = range, step = 1;
    while (from + step < family_.ranges && ranges_[from + step].first <= key) {
      from += step;
      step *= 2;
    }
    return search(from, std::min<std::uint64_t>(from + step, family_.ranges), key);
  }

  [[nodiscard]] std::uint32_t search(std::uint64_t from, std::uint64_t to, Key key) const {
    const auto is_behind = [](Key wanted, const Range& range) { return wanted < range.first; };
    const Range* const behind = std::upper_bound(ranges_ + from + 1, ranges_ + to, key, is_behind);
    return behind[-1].list;
  }

  const Header& header_;
  const layout::FamilyHeader& family_;
  const std::uint64_t* filter_;
  const Range* ranges_;
  const std::uint32_t* slots_;
};

template <typename Family>
Result<> check_family(Bytes bytes, const Parts& parts) {
  const Header& header = header_of(bytes);
  const layout::FamilyHeader& family = header.*Family::kHeader;
  const auto* const ranges = at<typename Family::Range>(bytes, parts.ranges<Family>());
  if (ranges[0].first != typename Family::Key{}) return fail("denylist: the first range does not begin at 0");
  for (std::uint32_t i = 0; i < family.ranges; ++i) {
    if (ranges[i].list > header.lists) return fail("denylist: range {} is of no list", i);
    if (i > 0 && ranges[i].first <= ranges[i - 1].first) return fail("denylist: range {} is out of order", i);
  }
  const auto* const slots = at<std::uint32_t>(bytes, parts.slots<Family>());
  for (std::uint64_t i = 0; i < std::uint64_t{1} << family.slots_log; ++i) {
    if (slots[i] > family.ranges) return fail("denylist: slot {} is of no range", i);
  }
  return {};
}

bool is_sane(const layout::FamilyHeader& family) {
  return family.ranges >= 1 && family.ranges <= layout::kMaxRanges && family.slots_log <= layout::kMaxLog;
}

}  // namespace

std::optional<Match> Image::find(const IpAddress& address) const {
  if (bytes_.empty()) return std::nullopt;
  std::uint32_t list = 0;
  if (!address.is_v6()) {
    list = Reader<V4>(bytes_).find(V4::key_of(address));
  } else {
    const layout::Key6 key = V6::key_of(address);
    const bool mapped = key.high == 0 && key.low >> 32 == 0xFFFF;  // RFC 4291 section 2.5.5.2
    list = mapped ? Reader<V4>(bytes_).find(static_cast<std::uint32_t>(key.low)) : Reader<V6>(bytes_).find(key);
  }
  if (list == 0) return std::nullopt;
  const Parts parts(header_of(bytes_));
  const layout::List& found = at<layout::List>(bytes_, parts.lists)[list - 1];
  const std::string_view name = as_text(bytes_.subspan(parts.names + found.name_at, found.name_size));
  return Match{found.allows != 0 ? Type::allow : Type::deny, list - 1, name};
}

Result<> Image::check(Bytes bytes) {
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(Header) != 0) return fail("denylist: not aligned");
  if (bytes.size() < sizeof(Header)) return fail("denylist: {} bytes are too few", bytes.size());
  const Header& header = header_of(bytes);
  if (header.magic != layout::kMagic) return fail("denylist: not an image of this version");
  if (!is_sane(header.v4) || !is_sane(header.v6) || header.filter_log > layout::kMaxLog ||
      header.lists > layout::kMaxLists) {
    return fail("denylist: the header makes no sense");
  }
  const Parts parts(header);
  if (parts.end != bytes.size()) return fail("denylist: {} bytes, but its parts have {}", bytes.size(), parts.end);
  TRY(check_family<V4>(bytes, parts));
  TRY(check_family<V6>(bytes, parts));
  const auto* const lists = at<layout::List>(bytes, parts.lists);
  for (std::uint32_t i = 0; i < header.lists; ++i) {
    if (std::uint64_t{lists[i].name_at} + lists[i].name_size > header.names_size) {
      return fail("denylist: the name of list {} is outside", i);
    }
  }
  return {};
}

}  // namespace swage::denylist
