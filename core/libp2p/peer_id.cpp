// A peer ID's CID is a head that its form fixes, then 32 bytes. So the whole is read as one big number whose low 256
// bits are those 32 bytes and whose bits above must equal the form's head; and the length of the label tells the form.
#include "core/libp2p/peer_id.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "core/counted.h"
#include "core/libp2p/multibase.h"

namespace swage::libp2p {
namespace {

__extension__ using Wide = unsigned __int128;
constexpr std::size_t kLimbs = 6;
using Number = std::array<std::uint64_t, kLimbs>;  // least significant first

constexpr std::size_t kBody = 32;  // bytes after the head

// The head of a CID: version 1, codec 0x72, then how the multihash begins.
struct Head {
  std::uint64_t above;         // what is in number[5]
  std::uint64_t value;         // what is in number[4]
  std::uint64_t free;          // bits of number[4] that may be 0 or 1; 0 in `value`
  std::size_t multihash_size;  // bytes at the end of number[4] that belong to the multihash
};
constexpr Head kSha256 = {0, 0x0172'1220, 0, 2};
constexpr Head kEd25519 = {0, 0x0172'0024'0801'1220, 0, 6};
constexpr Head kSecp256k1 = {0x01, 0x7200'2508'0212'2102, 1, 7};  // a compressed point: 02 or 03

// A base: how a digit's value follows from its character, whose lowest five bits are 1 to 26 for a letter.
struct Base36 {
  static constexpr std::uint64_t kRadix = 36;
  static constexpr std::uint8_t kFirst = '0', kDecimals = 10;      // the characters below the letters
  static constexpr std::uint8_t kOfLetter = 9, kOfDecimal = 0xF0;  // what to add to the five bits
};
struct Base32 {
  static constexpr std::uint64_t kRadix = 32;
  static constexpr std::uint8_t kFirst = '2', kDecimals = 6;
  static constexpr std::uint8_t kOfLetter = 0xFF, kOfDecimal = 8;
};

consteval std::uint64_t power(std::uint64_t radix, std::size_t exponent) {
  return exponent == 0 ? 1 : radix * power(radix, exponent - 1);
}

// Sixteen characters and their values at once; the values of eight digits are 42 bits at most.
constexpr std::size_t kLane = 16;
using Lane __attribute__((vector_size(kLane))) = std::uint8_t;
using Pairs __attribute__((vector_size(kLane))) = std::uint16_t;
using Octets = std::array<std::uint64_t, 2>;
static_assert(std::endian::native == std::endian::little);

// The values of the last `count` of 16 characters, the others as 0; sets bits of `bad` where one is not a digit.
template <typename Base>
inline Lane digit_values(const std::uint8_t* characters, std::size_t count, Lane& bad) {
  Lane c;
  std::memcpy(&c, characters, kLane);
  const auto letter = reinterpret_cast<Lane>(c - 'a' < 26);
  const auto decimal = reinterpret_cast<Lane>(c - Base::kFirst < Base::kDecimals);
  bad |= ~(letter | decimal);
  const Lane values = (c & 0x1F) + ((letter & Base::kOfLetter) | (decimal & Base::kOfDecimal));
  constexpr Lane kPlaces = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return values & reinterpret_cast<Lane>(kPlaces >= static_cast<std::uint8_t>(kLane - count));
}

// The number that eight digits write. `pairs`: those of two digits each, the first one lowest.
template <typename Base>
inline std::uint64_t join(std::uint64_t pairs) {
  constexpr std::uint64_t kEven = 0x0000'FFFF'0000'FFFF;
  const std::uint64_t fours = (pairs & kEven) * power(Base::kRadix, 2) + (pairs >> 16 & kEven);
  return (fours & 0xFFFF'FFFF) * power(Base::kRadix, 4) + (fours >> 32);
}

template <typename Base>
inline Octets join(Lane digits) {
  auto pairs = reinterpret_cast<Pairs>(digits);
  pairs = (pairs & 0xFF) * std::uint16_t{Base::kRadix} + (pairs >> 8);
  const auto octets = std::bit_cast<Octets>(pairs);
  return {join<Base>(octets[0]), join<Base>(octets[1])};
}

// Words that a number of so many digits needs; log2(36) is 5.17.
consteval std::size_t limbs_of(std::size_t digits) { return std::min(digits * 517 / 6400 + 1, kLimbs); }

// number = number * radix^count + value. `digits`: how many the result has.
template <typename Base, std::size_t count, std::size_t digits>
inline void append(Number& number, std::uint64_t value) {
#pragma GCC unroll 6
  for (std::size_t i = 0; i < limbs_of(digits); ++i) {
    const Wide product = static_cast<Wide>(number[i]) * power(Base::kRadix, count) + value;
    number[i] = static_cast<std::uint64_t>(product);
    value = static_cast<std::uint64_t>(product >> 64);
  }
}

// The number that `count` digits write; 0, which no head is, where one is not a digit. REQUIRES: it fits a Number.
template <typename Base, std::size_t count>
inline Number read_number(const std::uint8_t* digits) {
  constexpr std::size_t kRest = count % kLane;  // in the last lane, which begins among those that were read before
  Number number{};
  Lane bad{};
  [&]<std::size_t... lane>(std::index_sequence<lane...>) {
    const auto append_lane = [&]<std::size_t i>(std::integral_constant<std::size_t, i>) {
      const Octets octets = join<Base>(digit_values<Base>(digits + i * kLane, kLane, bad));
      append<Base, 8, i * kLane + 8>(number, octets[0]);
      append<Base, 8, i * kLane + 16>(number, octets[1]);
    };
    (append_lane(std::integral_constant<std::size_t, lane>()), ...);
  }(std::make_index_sequence<count / kLane>());
  const Octets octets = join<Base>(digit_values<Base>(digits + count - kLane, kRest, bad));
  if constexpr (kRest > 8) append<Base, kRest - 8, count - 8>(number, octets[0]);
  append<Base, std::min<std::size_t>(kRest, 8), count>(number, octets[1]);
  const auto flags = std::bit_cast<Octets>(bad);
  if ((flags[0] | flags[1]) != 0) number = {};
  return number;
}

// 58 digits of base32 hold 36 bytes and 2 bits, which must be 0. Returns 0 where they are not.
inline Number read_base32(const std::uint8_t* digits) {
  Number number = read_number<Base32, 58>(digits);
  if ((number[0] & 3) != 0) number = {};
  for (std::size_t i = 0; i + 1 < kLimbs; ++i) number[i] = number[i] >> 2 | number[i + 1] << 62;
  return number;
}

std::uint64_t load_u64(const std::uint8_t* at) {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap64(value);
}

void store_u64(std::uint8_t* at, std::uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(at, &value, sizeof value);
}

}  // namespace

// A CID of a peer ID as a number, and the head it must have.
struct PeerId::Cid {
  Number number;
  Head head;
};

inline std::optional<PeerId> PeerId::from_cid(const Cid& cid) {
  const auto& [number, head] = cid;
  std::optional<PeerId> id;
  if ((number[4] & ~head.free) != head.value || number[5] != head.above) return id;
  id.emplace();  // in place: a copy so soon after the stores would wait for them
  id->size_ = static_cast<std::uint8_t>(head.multihash_size + kBody);
  store_u64(id->bytes_.data(), number[4] << (64 - 8 * head.multihash_size));
  for (std::size_t i = 0; i < 4; ++i) store_u64(&id->bytes_[head.multihash_size + 8 * i], number[3 - i]);
  return id;
}

std::optional<PeerId> PeerId::from_label(Bytes lower_case_label) {
  const std::uint8_t* label = lower_case_label.data();
  // The length tells the form. All heads start with 01: a number with zeros before it is too small to have one.
  switch (lower_case_label.size()) {
    case 56:
      if (label[0] == 'k') return from_cid({read_number<Base36, 55>(label + 1), kSha256});
      break;
    case 59:
      if (label[0] == 'b') return from_cid({read_base32(label + 1), kSha256});
      break;
    case 62:
      if (label[0] == 'k') return from_cid({read_number<Base36, 61>(label + 1), kEd25519});
      break;
    case 63:
      if (label[0] == 'k') return from_cid({read_number<Base36, 62>(label + 1), kSecp256k1});
      break;
    default:
      break;
  }
  return std::nullopt;
}

Result<PeerId> PeerId::from_multihash(Bytes multihash) {
  for (const Head& head : {kSha256, kEd25519, kSecp256k1}) {
    if (multihash.size() != head.multihash_size + kBody) continue;
    std::array<std::uint8_t, sizeof(Number)> cid{};  // zeros before it
    cid[cid.size() - multihash.size() - 2] = 0x01;
    cid[cid.size() - multihash.size() - 1] = 0x72;
    std::ranges::copy(multihash, cid.end() - static_cast<std::ptrdiff_t>(multihash.size()));
    Number number;
    for (std::size_t i = 0; i < kLimbs; ++i) number[kLimbs - 1 - i] = load_u64(&cid[8 * i]);
    if (const auto id = from_cid({number, head})) return *id;
  }
  return fail("a multihash of {} that is neither SHA-256 nor an Ed25519 or secp256k1 key",
              counted(multihash.size(), "byte"));
}

Result<PeerId> PeerId::from_base58(std::string_view text) {
  if (text.size() > 2 * kMaxSize) return fail("a text of {} characters is too long for a peer ID", text.size());
  TRY(const auto multihash, multibase::decode(multibase::Base::base58btc, text));
  return from_multihash(multihash);
}

std::string PeerId::to_base36() const {
  std::array<std::uint8_t, 2 + kMaxSize> cid = {0x01, 0x72};
  std::ranges::copy(multihash(), cid.begin() + 2);
  return 'k' + multibase::encode(multibase::Base::base36, {cid.data(), 2U + size_});
}

std::string PeerId::to_base58() const { return multibase::encode(multibase::Base::base58btc, multihash()); }

}  // namespace swage::libp2p
