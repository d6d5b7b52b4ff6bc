#include "core/crypto/chacha20_poly1305.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/crypto/testing.h"

#include <catch2/catch.hpp>

using namespace swage;
using crypto::testing::hex;
using crypto::testing::unhex;
using ByteVector = std::vector<std::uint8_t>;

namespace {

// RFC 8439, section 2.8.2.
const std::string kPlaintext =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
    "it.";
const ByteVector kKey = unhex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
const ByteVector kAdditional = unhex("50515253c0c1c2c3c4c5c6c7");
constexpr crypto::ChaChaNonce kNonce = {7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47};

ByteVector seal(Bytes plaintext) {
  ByteVector out(plaintext.size() + crypto::kChaChaTagSize);
  crypto::chacha20_poly1305_seal(kKey, kNonce, kAdditional, plaintext, out);
  return out;
}

bool opens(const ByteVector& sealed, Bytes key = kKey, crypto::ChaChaNonce nonce = kNonce,
           Bytes additional = kAdditional) {
  ByteVector out(sealed.size() - crypto::kChaChaTagSize);
  return crypto::chacha20_poly1305_open(key, nonce, additional, sealed, out);
}

}  // namespace

TEST_CASE("chacha20_poly1305: RFC 8439, section 2.8.2") {
  const ByteVector sealed = seal(as_bytes(kPlaintext));
  CHECK(hex(sealed) ==
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b"
        "2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586ce"
        "c64b61161ae10b594f09e26a7e902ecbd0600691");
  ByteVector plaintext(kPlaintext.size());
  REQUIRE(crypto::chacha20_poly1305_open(kKey, kNonce, kAdditional, sealed, plaintext));
  CHECK(as_text(plaintext) == kPlaintext);
}

TEST_CASE("chacha20_poly1305: in place, and of nothing") {
  ByteVector buffer(kPlaintext.begin(), kPlaintext.end());
  buffer.resize(buffer.size() + crypto::kChaChaTagSize);
  crypto::chacha20_poly1305_seal(kKey, kNonce, kAdditional, Bytes(buffer).first(kPlaintext.size()), buffer);
  CHECK(buffer == seal(as_bytes(kPlaintext)));
  REQUIRE(
      crypto::chacha20_poly1305_open(kKey, kNonce, kAdditional, buffer, MutableBytes(buffer).first(kPlaintext.size())));
  CHECK(as_text(buffer).substr(0, kPlaintext.size()) == kPlaintext);

  ByteVector empty = seal({});
  CHECK(empty.size() == crypto::kChaChaTagSize);
  CHECK(opens(empty));
  empty[0] ^= 1;
  CHECK_FALSE(opens(empty));
}

TEST_CASE("chacha20_poly1305: what was changed does not open") {
  const ByteVector sealed = seal(as_bytes(kPlaintext));
  for (std::size_t i = 0; i < sealed.size() * 8; ++i) {
    ByteVector changed = sealed;
    changed[i / 8] ^= static_cast<std::uint8_t>(1 << i % 8);
    CHECK_FALSE(opens(changed));
  }
  for (std::size_t size = crypto::kChaChaTagSize; size < sealed.size(); ++size) {
    CHECK_FALSE(opens(ByteVector(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size))));
  }
  ByteVector other_key = kKey;
  other_key[0] ^= 1;
  CHECK_FALSE(opens(sealed, other_key));
  crypto::ChaChaNonce other_nonce = kNonce;
  other_nonce[11] ^= 1;
  CHECK_FALSE(opens(sealed, kKey, other_nonce));
  CHECK_FALSE(opens(sealed, kKey, kNonce, {}));
  CHECK(opens(sealed));
}

TEST_CASE("chacha20_poly1305: nothing is released that does not open") {
  ByteVector sealed = seal(as_bytes(kPlaintext));
  sealed.back() ^= 1;
  ByteVector out(kPlaintext.size(), 0xAA);
  REQUIRE_FALSE(crypto::chacha20_poly1305_open(kKey, kNonce, kAdditional, sealed, out));
  CHECK(std::ranges::all_of(out, [](std::uint8_t byte) { return byte == 0 || byte == 0xAA; }));
}
