// Unsigned varints of multiformats (https://github.com/multiformats/unsigned-varint, "Spec"): 7 bits a byte, least
// significant first, the high bit says that more follow. No I/O, any process.
#pragma once

#include <cstdint>
#include <expected>
#include <vector>

#include "core/bytes.h"

namespace swage::libp2p::varint {

inline constexpr std::size_t kMaxSize = 9;  // bytes, that is 63 bits

enum class Fault {
  incomplete,  // the bytes end within the varint; what is there may be the start of one
  malformed,   // longer than kMaxSize, or longer than its value needs: no further bytes can mend that
};

struct Decoded {
  std::uint64_t value = 0;
  std::size_t size = 0;  // bytes it took
};

// The varint that `bytes` begin with.
[[nodiscard]] std::expected<Decoded, Fault> read(Bytes bytes);

// REQUIRES: value < 2^63.
void append(std::vector<std::uint8_t>& out, std::uint64_t value);

}  // namespace swage::libp2p::varint
