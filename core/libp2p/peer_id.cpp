// A peer ID's CID is a head that its form fixes, then 32 bytes. So the whole is read as one big number whose low 256
// bits are those 32 bytes and whose bits above must equal the form's head; and the length of the label tells the form.
#include "core/libp2p/peer_id.h"

#include <algorithm>
#include <utility>

#include "core/libp2p/multibase.h"

namespace swage::libp2p {
namespace {

__extension__ using Wide = unsigned __int128;
constexpr std::size_t kLimbs = 6;
using Number = std::array<std::uint64_t, kLimbs>;  // least significant first

constexpr std::size_t kBody = 32;  // bytes behind the head

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

constexpr std::uint8_t kNoDigit = 0x80;

consteval std::array<std::uint8_t, 256> digit_values(std::string_view alphabet) {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

struct Base36 {
  static constexpr auto kDigits = digit_values("0123456789abcdefghijklmnopqrstuvwxyz");
  static constexpr std::uint64_t kRadix = 36;
};
struct Base32 {
  static constexpr auto kDigits = digit_values("abcdefghijklmnopqrstuvwxyz234567");
  static constexpr std::uint64_t kRadix = 32;
};

constexpr std::size_t kBlock = 12;  // digits whose value fits 64 bits, in either base

consteval std::uint64_t power(std::uint64_t radix, std::size_t exponent) {
  return exponent == 0 ? 1 : radix * power(radix, exponent - 1);
}

// Reads `count` digits; sets bits of `bad` where one is none.
template <typename Base, std::size_t count>
inline std::uint64_t read_block(const std::uint8_t* digits, std::uint8_t& bad) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t digit = Base::kDigits[digits[i]];
    bad |= digit;
    value = value * Base::kRadix + digit;
  }
  return value;
}

// number = number * radix^12 + block. REQUIRES: only the first `limbs` of the result are not 0.
template <typename Base, std::size_t limbs>
inline void append_block(Number& number, std::uint64_t block) {
#pragma GCC unroll 6
  for (std::size_t i = 0; i < limbs; ++i) {
    const Wide product = static_cast<Wide>(number[i]) * power(Base::kRadix, kBlock) + block;
    number[i] = static_cast<std::uint64_t>(product);
    block = static_cast<std::uint64_t>(product >> 64);
  }
}

// The number that `count` digits write; 0, which no head is, where one is no digit. REQUIRES: it fits a Number.
template <typename Base, std::size_t count>
inline Number read_number(const std::uint8_t* digits) {
  constexpr std::size_t kFirst = count % kBlock;
  std::uint8_t bad = 0;
  Number number{read_block<Base, kFirst>(digits, bad)};
  [&]<std::size_t... block>(std::index_sequence<block...>) {
    (append_block<Base, std::min(block + 2, kLimbs)>(number,
                                                     read_block<Base, kBlock>(digits + kFirst + block * kBlock, bad)),
     ...);
  }(std::make_index_sequence<count / kBlock>());
  if ((bad & kNoDigit) != 0) number = {};
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
  return fail("a multihash of {} bytes that is neither SHA-256 nor an Ed25519 or secp256k1 key", multihash.size());
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
