#include "core/dns/base_encodings.h"

#include <array>

#include "core/text.h"

namespace swage::dns {
namespace {

constexpr std::uint8_t kBad = 0xFF;
using Digits = std::array<std::uint8_t, 256>;

constexpr Digits digits_of(std::string_view alphabet, bool any_case) {
  Digits digits;
  digits.fill(kBad);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    const auto letter = static_cast<unsigned char>(alphabet[i]);
    digits[letter] = static_cast<std::uint8_t>(i);
    if (any_case) digits[static_cast<unsigned char>(to_lower(alphabet[i]))] = static_cast<std::uint8_t>(i);
  }
  return digits;
}

constexpr Digits kHex = digits_of("0123456789ABCDEF", true);
constexpr Digits kBase32Hex = digits_of("0123456789ABCDEFGHIJKLMNOPQRSTUV", true);
constexpr Digits kBase64 = digits_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", false);

std::uint8_t digit(const Digits& digits, char letter) { return digits[static_cast<unsigned char>(letter)]; }

// Groups of `width` bits, the last one filled up with zeros.
void encode(std::string_view alphabet, unsigned width, Bytes bytes, std::string& text) {
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= width; count -= width) text += alphabet[bits >> (count - width) & ((1U << width) - 1)];
  }
  if (count > 0) text += alphabet[bits << (width - count) & ((1U << width) - 1)];
}

}  // namespace

bool decode_hex(std::string_view text, std::vector<std::uint8_t>& to) {
  if (text.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::uint8_t high = digit(kHex, text[i]);
    const std::uint8_t low = digit(kHex, text[i + 1]);
    if (high == kBad || low == kBad) return false;
    to.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return true;
}

bool decode_base32hex(std::string_view text, MutableBytes to) {
  if (text.size() != (to.size() * 8 + 4) / 5) return false;
  std::uint32_t bits = 0;
  unsigned count = 0;
  std::size_t at = 0;
  for (const char letter : text) {
    const std::uint8_t value = digit(kBase32Hex, letter);
    if (value == kBad) return false;
    bits = bits << 5 | value;
    count += 5;
    if (count >= 8) {
      count -= 8;
      to[at++] = static_cast<std::uint8_t>(bits >> count);
    }
  }
  return (bits & ((1U << count) - 1)) == 0;
}

bool decode_base64(std::string_view text, std::vector<std::uint8_t>& to) {
  if (text.size() % 4 != 0) return false;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  text.remove_suffix(padding);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char letter : text) {
    const std::uint8_t value = digit(kBase64, letter);
    if (value == kBad) return false;
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      to.push_back(static_cast<std::uint8_t>(bits >> count));
    }
  }
  return (bits & ((1U << count) - 1)) == 0;
}

void encode_hex(Bytes bytes, std::string& text) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  for (const std::uint8_t byte : bytes) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 15];
  }
}

void encode_base32hex(Bytes bytes, std::string& text) { encode("0123456789abcdefghijklmnopqrstuv", 5, bytes, text); }

void encode_base64(Bytes bytes, std::string& text) {
  encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6, bytes, text);
  if (bytes.size() % 3 != 0) text.append(3 - bytes.size() % 3, '=');
}

}  // namespace swage::dns
