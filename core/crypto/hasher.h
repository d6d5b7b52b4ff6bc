// Hashes of the SHA families (FIPS 180-4) of what comes in pieces and is not secret. SHA-256 of what is at hand:
// core/crypto/hash.h. Any process.
#pragma once

#include <memory>

#include "core/crypto/hmac.h"

extern "C" {
struct evp_md_ctx_st;  // OpenSSL's
}

namespace swage::crypto {

class Hasher {
 public:
  explicit Hasher(Hash hash);

  Hasher& add(Bytes piece);
  // Once.
  [[nodiscard]] Mac finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace swage::crypto
