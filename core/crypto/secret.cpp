#include "core/crypto/secret.h"

#include <algorithm>
#include <utility>

#include <sodium/utils.h>

#include "core/crypto/sodium.h"

namespace swage::crypto {

Secret::Secret(std::size_t size) : size_(size) {
  if (size == 0) return;
  start_sodium();
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

Secret::~Secret() { sodium_free(bytes_); }

bool equal(Bytes a, Bytes b) { return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0; }

void wipe(MutableBytes bytes) { sodium_memzero(bytes.data(), bytes.size()); }

}  // namespace swage::crypto
