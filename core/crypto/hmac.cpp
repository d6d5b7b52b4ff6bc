#include "core/crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "core/result.h"

namespace swage::crypto {
namespace {

struct HashName {
  const char* name;
  std::size_t size;
};

const HashName& of(Hash hash) {
  static constexpr HashName kNames[] = {{"SHA1", 20}, {"SHA224", 28}, {"SHA256", 32}, {"SHA384", 48}, {"SHA512", 64}};
  return kNames[static_cast<std::size_t>(hash)];
}

// Found once: looking for it takes longer than a MAC.
EVP_MAC* algorithm() {
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  CHECK(mac != nullptr);
  return mac;
}

}  // namespace

std::size_t digest_size(Hash hash) { return of(hash).size; }

void Hmac::Free::operator()(evp_mac_ctx_st* context) const { EVP_MAC_CTX_free(context); }

Hmac::Hmac(Hash hash, Bytes key) : context_(EVP_MAC_CTX_new(algorithm())) {
  CHECK(context_ != nullptr);
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(of(hash).name), 0),
      OSSL_PARAM_construct_end()};
  static constexpr std::uint8_t kEmpty = 0;  // a null pointer would mean: the key of before
  CHECK(EVP_MAC_init(context_.get(), key.empty() ? &kEmpty : key.data(), key.size(), parameters) == 1);
}

Hmac& Hmac::add(Bytes piece) {
  CHECK(EVP_MAC_update(context_.get(), piece.data(), piece.size()) == 1);
  return *this;
}

Mac Hmac::finish() {
  Mac mac;
  CHECK(EVP_MAC_final(context_.get(), mac.data.data(), &mac.size, mac.data.size()) == 1);
  CHECK(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1);
  return mac;
}

}  // namespace swage::crypto
