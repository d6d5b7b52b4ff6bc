#include "core/crypto/hasher.h"

#include <openssl/evp.h>

#include "core/result.h"

namespace swage::crypto {
namespace {

const EVP_MD* message_digest(Hash hash) {
  switch (hash) {
    case Hash::sha1:
      return EVP_sha1();
    case Hash::sha224:
      return EVP_sha224();
    case Hash::sha256:
      return EVP_sha256();
    case Hash::sha384:
      return EVP_sha384();
    case Hash::sha512:
      return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

void Hasher::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Hasher::Hasher(Hash hash) : context_(EVP_MD_CTX_new()) {
  CHECK(context_ != nullptr && EVP_DigestInit_ex(context_.get(), message_digest(hash), nullptr) == 1);
}

Hasher& Hasher::add(Bytes piece) {
  CHECK(EVP_DigestUpdate(context_.get(), piece.data(), piece.size()) == 1);
  return *this;
}

Mac Hasher::finish() {
  Mac digest;
  unsigned size = 0;
  CHECK(EVP_DigestFinal_ex(context_.get(), digest.data.data(), &size) == 1);
  digest.size = size;
  return digest;
}

}  // namespace swage::crypto
