// Names of messages that others have written: compressed or not (RFC 1035 section 4.1.4). Without I/O. Faces untrusted
// bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/dns/name.h"

namespace swage::dns {

// A name without its compression.
struct WireName {
  std::array<std::uint8_t, kMaxName> bytes;
  std::size_t size = 0;

  [[nodiscard]] NameView view() const { return {bytes.data(), size}; }
};

// Reads the name at `at`, which moves to what follows it. Each pointer leads to a place before the last one, so there
// is an end. False where there is no valid name.
[[nodiscard]] bool read_name(Bytes message, std::size_t& at, WireName& name);

}  // namespace swage::dns
