#include "core/zone/canonical_key.h"

#include <algorithm>

namespace swage::zone {

CanonicalKey::CanonicalKey(dns::NameView name, std::size_t apex_size) {
  std::array<std::uint8_t, dns::kMaxLabels> labels;
  std::size_t count = 0;
  for (std::size_t at = 0; at < name.size() - apex_size; at += 1U + name.data()[at]) {
    labels[count++] = static_cast<std::uint8_t>(at);
  }
  while (count > 0) {
    const std::uint8_t* const label = name.data() + labels[--count];
    for (std::size_t i = 1; i <= *label; ++i) {
      std::uint8_t byte = dns::lower(label[i]);
      if (byte <= 1) {
        bytes_[size_++] = 1;
        ++byte;
      }
      bytes_[size_++] = byte;
    }
    bytes_[size_++] = 0;
  }
}

KeyPrefix KeyPrefix::of(dns::NameView name, std::size_t apex_size) {
  const CanonicalKey key(name, apex_size);
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(key.bytes().begin(), std::min(key.bytes().size(), bytes.size()), bytes.begin());
  const auto load = [&](std::size_t at) {
    return std::uint64_t{load_u32(&bytes[at])} << 32 | load_u32(&bytes[at + 4]);
  };
  return {load(0), load(8)};
}

}  // namespace swage::zone
