// Secret: bytes that nobody else may see, and the comparison for them. Any process.
#pragma once

#include <cstdint>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::crypto {

// Owns bytes in memory of libsodium: locked where the system allows it, not in core dumps, wiped when the owner goes.
// It moves and does not copy; nothing prints it. Of up to 64 bytes, as keys are, it costs as much as memory of the
// heap; larger ones have pages of their own between guard pages, and take system calls.
class Secret {
 public:
  Secret() = default;                 // of no bytes
  explicit Secret(std::size_t size);  // zeros, to be filled
  [[nodiscard]] static Secret copy_of(Bytes bytes);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  [[nodiscard]] Bytes bytes() const { return {bytes_, size_}; }
  [[nodiscard]] MutableBytes bytes() { return {bytes_, size_}; }

 private:
  std::uint8_t* bytes_ = nullptr;  // sodium_malloc's; null where size_ is 0
  std::size_t size_ = 0;
};

// Whether both are the same bytes, in time that depends on their sizes alone: for every MAC and every secret.
[[nodiscard]] bool equal(Bytes a, Bytes b);

// Overwrites what the compiler would leave behind: the copies of secrets on the stack and in vectors.
void wipe(MutableBytes bytes);

}  // namespace swage::crypto
