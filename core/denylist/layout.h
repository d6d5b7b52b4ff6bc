// How an image lies in memory, and how its units are found. Internal to core/denylist.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/net.h"

namespace swage::denylist::layout {

inline constexpr std::uint64_t kMagic = 0x32'6C'6E'65'64'77'73'00;  // and the version
inline constexpr std::size_t kMaxLists = 4096;
inline constexpr std::uint32_t kMaxRanges = 1U << 29;
inline constexpr std::uint32_t kMaxLog = 32;

struct FamilyHeader {
  std::uint32_t ranges;     // at least 1
  std::uint32_t slots;      // at least 1
  std::uint32_t saturated;  // not 0: some range has too many units; search all ranges instead
  std::uint32_t unused;
};

struct Header {
  std::uint64_t magic;
  std::uint64_t seed;        // of the hash, so that list authors cannot construct collisions
  std::uint32_t filter_log;  // 2^filter_log words
  std::uint32_t lists;
  std::uint32_t names_size;  // bytes
  std::uint32_t unused;
  FamilyHeader v4, v6;
};

struct List {
  std::uint32_t allows;  // 0 or 1
  std::uint32_t name_at, name_size;
};

// What a slot says of its unit, whose size is `size` of the family's kUnits:
//
//     0 | size: 2 | 0: 9 | free: 7 | list: 13   The addresses that are like the slot's in all but the last `free` bits
//                                               are on this list (1 + its index), the others of the unit on no list.
//     1 | size: 2 | range: 29                   It is divided in another way: its first address is in this range.
//     0                                         The slot is empty.
class Content {
 public:
  Content() = default;
  [[nodiscard]] static Content prefix(std::size_t size, unsigned free, std::uint32_t list) {
    return Content(static_cast<std::uint32_t>(size) << 29 | free << 13 | list);
  }
  [[nodiscard]] static Content divided(std::size_t size, std::uint32_t range) {
    return Content(1U << 31 | static_cast<std::uint32_t>(size) << 29 | range);
  }
  [[nodiscard]] bool is_empty() const { return bits_ == 0; }
  [[nodiscard]] bool is_divided() const { return bits_ >> 31 != 0; }
  [[nodiscard]] std::size_t size() const { return bits_ >> 29 & 3; }
  [[nodiscard]] unsigned free() const { return bits_ >> 13 & 0x7F; }
  [[nodiscard]] std::uint32_t list() const { return bits_ & 0x1FFF; }
  [[nodiscard]] std::uint32_t range() const { return bits_ & 0x1FFF'FFFF; }

 private:
  explicit Content(std::uint32_t bits) : bits_(bits) {}
  std::uint32_t bits_ = 0;
};

// An address as a number.
struct Key6 {
  std::uint64_t high, low;
  auto operator<=>(const Key6&) const = default;
};

struct V4 {
  using Key = std::uint32_t;
  struct Range {
    Key first;
    std::uint32_t list;  // 1 + its index; 0: none
  };
  struct Slot {
    Key address;  // of the unit
    Content content;
  };
  static constexpr unsigned kBits = 32;
  static constexpr std::array<unsigned, 3> kUnits = {32, 24, 16};  // bits of their prefixes, the smallest first
  static constexpr FamilyHeader Header::* kHeader = &Header::v4;

  // The number of the unit that `key` is in, among those of its size.
  [[nodiscard]] static std::uint64_t unit(Key key, unsigned bits) { return key >> (32 - bits); }
  [[nodiscard]] static Key first_of(std::uint64_t unit, unsigned bits) { return static_cast<Key>(unit << (32 - bits)); }
  [[nodiscard]] static Key before(Key key) { return key - 1; }
  [[nodiscard]] static Key after(Key key) { return key + 1; }
  [[nodiscard]] static constexpr Key highest() { return ~Key{0}; }
  [[nodiscard]] static Key key_of(const IpAddress& address) { return load_u32(address.bytes().data()); }
  // The last address of a prefix.
  [[nodiscard]] static Key last_of(Key first, unsigned length) {
    return length == 0 ? highest() : first | (length == 32 ? 0 : highest() >> length);
  }
  // Whether two addresses differ in the last `free` bits alone. Any number is safe.
  [[nodiscard]] static bool are_alike(Key a, Key b, unsigned free) { return (a ^ b) >> (free & 31) == 0; }
};

[[nodiscard]] inline std::uint64_t load_u64(const std::uint8_t* at) {
  return std::uint64_t{load_u32(at)} << 32 | load_u32(at + 4);
}

struct V6 {
  using Key = Key6;
  struct Range {
    Key first;
    std::uint32_t list;
    std::uint32_t unused;
  };
  struct Slot {
    Key address;
    Content content;
    std::uint32_t unused;
  };
  static constexpr unsigned kBits = 128;
  static constexpr std::array<unsigned, 3> kUnits = {64, 48, 32};
  static constexpr FamilyHeader Header::* kHeader = &Header::v6;

  [[nodiscard]] static std::uint64_t unit(Key key, unsigned bits) { return key.high >> (64 - bits); }
  [[nodiscard]] static Key first_of(std::uint64_t unit, unsigned bits) { return {unit << (64 - bits), 0}; }
  [[nodiscard]] static Key before(Key key) { return {key.low == 0 ? key.high - 1 : key.high, key.low - 1}; }
  [[nodiscard]] static Key after(Key key) { return {key.low == ~0ULL ? key.high + 1 : key.high, key.low + 1}; }
  [[nodiscard]] static constexpr Key highest() { return {~0ULL, ~0ULL}; }
  [[nodiscard]] static Key key_of(const IpAddress& address) {
    return {load_u64(address.bytes().data()), load_u64(address.bytes().data() + 8)};
  }
  [[nodiscard]] static Key last_of(Key first, unsigned length) {
    const auto rest = [](unsigned bits) { return bits == 0 ? ~0ULL : bits >= 64 ? 0ULL : ~0ULL >> bits; };
    return {first.high | rest(length), first.low | (length <= 64 ? ~0ULL : rest(length - 64))};
  }
  [[nodiscard]] static bool are_alike(Key a, Key b, unsigned free) {
    const std::uint64_t high = a.high ^ b.high, low = a.low ^ b.low;
    return (free & 64) != 0 ? high >> (free & 63) == 0 : (high | low >> (free & 63)) == 0;
  }
};

// Of a unit; the families and sizes of units have hashes of their own.
template <typename Family>
[[nodiscard]] inline std::uint64_t hash(std::uint64_t unit, unsigned bits, std::uint64_t seed) {
  std::uint64_t h = unit ^ seed ^ (std::uint64_t{Family::kBits + bits} << 56);
  h = (h ^ h >> 32) * 0x9E37'79B9'7F4A'7C15;
  h = (h ^ h >> 29) * 0xBF58'476D'1CE4'E5B9;
  return h ^ h >> 32;
}

// The slot that the search for a unit begins at.
[[nodiscard]] inline std::uint32_t first_slot(std::uint64_t hash, std::uint32_t slots) {
  return static_cast<std::uint32_t>((hash & 0xFFFF'FFFF) * slots >> 32);
}

// The filter: of the hash, the upper half says which word, and the lower bits which three of its bits.
[[nodiscard]] inline std::size_t filter_word(std::uint64_t hash, unsigned log) { return hash >> 32 >> (32 - log); }
[[nodiscard]] inline std::uint64_t filter_bits(std::uint64_t hash) {
  return 1ULL << (hash & 63) | 1ULL << (hash >> 6 & 63) | 1ULL << (hash >> 12 & 63);
}

// Where the parts are. In 64-bit numbers: the sums of what a header may say fit.
struct Parts {
  explicit Parts(const Header& header)
      : filter(sizeof(Header)),
        ranges4(filter + (std::uint64_t{8} << header.filter_log)),
        ranges6(ranges4 + std::uint64_t{header.v4.ranges} * sizeof(V4::Range)),
        slots4(ranges6 + std::uint64_t{header.v6.ranges} * sizeof(V6::Range)),
        slots6(slots4 + std::uint64_t{header.v4.slots} * sizeof(V4::Slot)),
        lists(slots6 + std::uint64_t{header.v6.slots} * sizeof(V6::Slot)),
        names(lists + std::uint64_t{header.lists} * sizeof(List)),
        end(names + header.names_size) {}

  template <typename Family>
  [[nodiscard]] std::uint64_t ranges() const {
    return Family::kBits == 32 ? ranges4 : ranges6;
  }
  template <typename Family>
  [[nodiscard]] std::uint64_t slots() const {
    return Family::kBits == 32 ? slots4 : slots6;
  }

  std::uint64_t filter, ranges4, ranges6, slots4, slots6, lists, names, end;
};

static_assert(sizeof(Header) % 8 == 0 && sizeof(V4::Range) == 8 && sizeof(V6::Range) == 24);
static_assert(sizeof(V4::Slot) == 8 && sizeof(V6::Slot) == 24);

}  // namespace swage::denylist::layout
