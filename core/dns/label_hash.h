// How names are hashed, wherever they are looked up: label by label from the right, so that one pass hashes a name and
// all names above it. Whole words at a time with wide multiplications: a label of up to 8 bytes costs two of them.
#pragma once

#include <cstdint>
#include <cstring>

namespace swage::dns {

// The hash of `label`, with its length byte and in lower case, on top of the hash of the name to its right.
[[nodiscard]] inline std::uint64_t hash_label(std::uint64_t hash, const std::uint8_t* label) {
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  constexpr std::uint64_t kFirst = 0xA0761D6478BD642F;
  constexpr std::uint64_t kSecond = 0xE7037ED1A0B428DB;
  std::size_t left = 1U + *label;
  std::uint64_t word;
  for (; left > 8; left -= 8, label += 8) {
    std::memcpy(&word, label, 8);
    hash = mix(hash ^ word ^ kFirst, kSecond);
  }
  word = 0;
  if (left >= 4) {  // two reads that overlap
    std::uint32_t low, high;
    std::memcpy(&low, label, 4);
    std::memcpy(&high, label + left - 4, 4);
    word = low | std::uint64_t{high} << 32;
  } else {
    for (std::size_t i = 0; i < left; ++i) word |= std::uint64_t{label[i]} << (8 * i);
  }
  return mix(hash ^ word ^ kSecond, kFirst ^ left);
}

}  // namespace swage::dns
