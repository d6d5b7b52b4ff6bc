#include "core/crypto/secret.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include <sodium/utils.h>

#include "core/crypto/sodium.h"

namespace swage::crypto {
namespace {

// Keys are small, and a handshake has two dozen of them for a moment. sodium_malloc() takes nine system calls for each
// (of the 1.1 ms that a registration took, 0.5 were these), so it is asked for many slots at once. They are locked and
// kept out of core dumps as before, and wiped when they come back; the guard pages are around all of them.
class Slots {
 public:
  static constexpr std::size_t kSize = 64;  // bytes of a slot

  static Slots& of_process() {
    static Slots& slots = *new Slots;  // never destroyed: secrets may go later than static objects
    return slots;
  }

  [[nodiscard]] std::uint8_t* take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) add_block();
    std::uint8_t* const slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void give_back(std::uint8_t* slot) {
    sodium_memzero(slot, kSize);
    const std::lock_guard lock(mutex_);
    free_.push_back(slot);  // has room: it once was in there
  }

 private:
  static constexpr std::size_t kSlots = 256;  // 16 KiB

  void add_block() {
    auto* const block = static_cast<std::uint8_t*>(sodium_malloc(kSlots * kSize));
    CHECK(block != nullptr);
    std::fill_n(block, kSlots * kSize, std::uint8_t{0});
    for (std::size_t i = kSlots; i > 0; --i) free_.push_back(block + (i - 1) * kSize);
  }

  std::mutex mutex_;
  std::vector<std::uint8_t*> free_;  // all zeros
};

}  // namespace

Secret::Secret(std::size_t size) : size_(size) {
  if (size == 0) return;
  start_sodium();
  if (size <= Slots::kSize) {
    bytes_ = Slots::of_process().take();
    return;
  }
  bytes_ = static_cast<std::uint8_t*>(sodium_malloc(size));
  CHECK(bytes_ != nullptr);
  std::fill_n(bytes_, size, std::uint8_t{0});
}

Secret Secret::copy_of(Bytes bytes) {
  Secret secret(bytes.size());
  std::ranges::copy(bytes, secret.bytes_);
  return secret;
}

Secret::Secret(Secret&& other) noexcept
    : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(size_, other.size_);
  return *this;
}

Secret::~Secret() {
  if (bytes_ == nullptr) return;
  if (size_ <= Slots::kSize) {
    Slots::of_process().give_back(bytes_);
  } else {
    sodium_free(bytes_);
  }
}

bool equal(Bytes a, Bytes b) { return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0; }

void wipe(MutableBytes bytes) { sodium_memzero(bytes.data(), bytes.size()); }

}  // namespace swage::crypto
