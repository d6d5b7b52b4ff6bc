// MemoryBio: how OpenSSL's TLS gets and gives its bytes without any I/O: from a span, into a vector. Internal to
// core/async. In the place of OpenSSL's BIO_s_mem(), which copies what it is given and keeps the memory.
#pragma once

#include <openssl/bio.h>

#include <cstdint>
#include <vector>

#include "core/bytes.h"

namespace swage::async {

struct MemoryBio {
  Bytes& input;  // taken from its front; empty: try again later
  std::vector<std::uint8_t> output{};
};

// A BIO on `memory`, which must outlive it. The caller owns it.
[[nodiscard]] BIO* new_bio(MemoryBio& memory);

}  // namespace swage::async
