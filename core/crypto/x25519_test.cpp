#include "core/crypto/x25519.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/crypto/testing.h"

#include <catch2/catch.hpp>

using namespace swage;
using crypto::X25519Key;
using crypto::X25519Public;
using crypto::testing::hex;
using crypto::testing::unhex;

namespace {

X25519Public point(std::string_view text) {
  X25519Public key{};
  std::ranges::copy(unhex(text), key.begin());
  return key;
}

X25519Key key(std::string_view text) { return X25519Key::from_bytes(unhex(text)); }

std::string agree(const X25519Key& ours, const X25519Public& theirs) {
  const auto secret = ours.agree(theirs);
  return secret ? hex(secret->bytes()) : secret.error().text();
}

}  // namespace

TEST_CASE("x25519: RFC 7748, section 5.2") {
  CHECK(agree(key("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
              point("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")) ==
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  CHECK(agree(key("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
              point("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")) ==
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

TEST_CASE("x25519: RFC 7748, section 5.2, iterated") {
  std::string scalar = "0900000000000000000000000000000000000000000000000000000000000000", u = scalar;
  for (int i = 1; i <= 1000; ++i) {
    std::string next = agree(key(scalar), point(u));
    u = std::exchange(scalar, std::move(next));
    if (i == 1) CHECK(scalar == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
  }
  CHECK(scalar == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST_CASE("x25519: RFC 7748, section 6.1") {
  const X25519Key alice = key("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const X25519Key bob = key("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  CHECK(hex(alice.public_key()) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  CHECK(hex(bob.public_key()) == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  CHECK(agree(alice, bob.public_key()) == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  CHECK(agree(bob, alice.public_key()) == agree(alice, bob.public_key()));
}

TEST_CASE("x25519: points of small order are refused") {
  crypto::testing::SeededRandom random(1);
  const X25519Key ours = X25519Key::generate(random);
  for (const std::string_view text : {
           "0000000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000000",
           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
           "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "0000000000000000000000000000000000000000000000000000000000000080",
       }) {
    CHECK(agree(ours, point(text)) == "the X25519 public key is a point of small order");
  }
}

TEST_CASE("x25519: keys are what the randomness says") {
  crypto::testing::SeededRandom one(1), again(1), other(2);
  const X25519Public first = X25519Key::generate(one).public_key();
  CHECK(X25519Key::generate(again).public_key() == first);
  CHECK(X25519Key::generate(other).public_key() != first);
}
