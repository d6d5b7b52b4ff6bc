#include "core/crypto/chacha20_poly1305.h"

#include <sodium/crypto_aead_chacha20poly1305.h>

#include "core/result.h"

namespace swage::crypto {

static_assert(kChaChaKeySize == crypto_aead_chacha20poly1305_ietf_KEYBYTES);
static_assert(kChaChaTagSize == crypto_aead_chacha20poly1305_ietf_ABYTES);

void chacha20_poly1305_seal(Bytes key, const ChaChaNonce& nonce, Bytes additional, Bytes plaintext, MutableBytes out) {
  CHECK(key.size() == kChaChaKeySize && out.size() == plaintext.size() + kChaChaTagSize);
  CHECK(crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plaintext.data(), plaintext.size(),
                                                  additional.data(), additional.size(), nullptr, nonce.data(),
                                                  key.data()) == 0);
}

bool chacha20_poly1305_open(Bytes key, const ChaChaNonce& nonce, Bytes additional, Bytes sealed, MutableBytes out) {
  CHECK(key.size() == kChaChaKeySize && sealed.size() >= kChaChaTagSize);
  CHECK(out.size() == sealed.size() - kChaChaTagSize);
  std::uint8_t none = 0;  // libsodium takes no address to mean: verify, and write nothing
  return crypto_aead_chacha20poly1305_ietf_decrypt(out.empty() ? &none : out.data(), nullptr, nullptr, sealed.data(),
                                                   sealed.size(), additional.data(), additional.size(), nonce.data(),
                                                   key.data()) == 0;
}

}  // namespace swage::crypto
