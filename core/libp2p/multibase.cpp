#include "core/libp2p/multibase.h"

#include <algorithm>

namespace swage::libp2p::multibase {
namespace {

constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kBase36 = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kBase58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

Result<std::uint8_t> digit_value(std::string_view alphabet, char digit) {
  const std::size_t value = alphabet.find(digit);
  if (value == std::string_view::npos) {
    return fail("byte {:#04x} is not a digit of base {}", static_cast<std::uint8_t>(digit), alphabet.size());
  }
  return static_cast<std::uint8_t>(value);
}

// Base 36 and 58 write one big number; bytes that are 0 at the front become zero digits, one each.
std::string encode_number(std::string_view alphabet, Bytes bytes) {
  const auto zeros = std::ranges::find_if(bytes, [](auto byte) { return byte != 0; }) - bytes.begin();
  std::vector<std::uint8_t> digits;  // least significant first
  for (const std::uint8_t byte : bytes) {
    unsigned carry = byte;
    for (std::uint8_t& digit : digits) {
      carry += digit * 256U;
      digit = static_cast<std::uint8_t>(carry % alphabet.size());
      carry /= static_cast<unsigned>(alphabet.size());
    }
    for (; carry != 0; carry /= static_cast<unsigned>(alphabet.size())) {
      digits.push_back(static_cast<std::uint8_t>(carry % alphabet.size()));
    }
  }
  std::string text(static_cast<std::size_t>(zeros), alphabet[0]);
  std::transform(digits.rbegin(), digits.rend(), std::back_inserter(text), [&](auto digit) { return alphabet[digit]; });
  return text;
}

Result<std::vector<std::uint8_t>> decode_number(std::string_view alphabet, std::string_view digits) {
  const std::size_t zeros = std::min(digits.find_first_not_of(alphabet[0]), digits.size());
  std::vector<std::uint8_t> bytes;  // least significant first
  for (const char digit : digits) {
    TRY(unsigned carry, digit_value(alphabet, digit));
    for (std::uint8_t& byte : bytes) {
      carry += static_cast<unsigned>(byte * alphabet.size());
      byte = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    if (carry != 0) bytes.push_back(static_cast<std::uint8_t>(carry));
  }
  bytes.insert(bytes.end(), zeros, 0);
  std::ranges::reverse(bytes);
  return bytes;
}

std::string encode_base32(Bytes bytes) {
  std::string text;
  unsigned buffer = 0;
  unsigned bits = 0;  // of the buffer, not yet written
  for (const std::uint8_t byte : bytes) {
    buffer = buffer << 8 | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += kBase32[buffer >> (bits - 5) & 31];
  }
  if (bits != 0) text += kBase32[buffer << (5 - bits) & 31];
  return text;
}

Result<std::vector<std::uint8_t>> decode_base32(std::string_view digits) {
  std::vector<std::uint8_t> bytes;
  unsigned buffer = 0;
  unsigned bits = 0;  // of the buffer, not yet written
  for (const char digit : digits) {
    TRY(const unsigned value, digit_value(kBase32, digit));
    buffer = buffer << 5 | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<std::uint8_t>(buffer >> bits));
  }
  if (bits >= 5) return fail("base 32 text has a digit too many");
  if ((buffer & ((1U << bits) - 1)) != 0) return fail("the bits after the last byte of a base 32 text must be 0");
  return bytes;
}

}  // namespace

std::string encode(Base base, Bytes bytes) {
  if (base == Base::base32) return encode_base32(bytes);
  return encode_number(base == Base::base36 ? kBase36 : kBase58, bytes);
}

Result<std::vector<std::uint8_t>> decode(Base base, std::string_view digits) {
  if (base == Base::base32) return decode_base32(digits);
  return decode_number(base == Base::base36 ? kBase36 : kBase58, digits);
}

}  // namespace swage::libp2p::multibase
