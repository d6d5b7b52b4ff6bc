#include "core/crypto/evp_key.h"

#include <algorithm>
#include <string>
#include <utility>

#include <openssl/err.h>

#include "core/crypto/testing.h"

#include <catch2/catch.hpp>

using namespace swage;
using crypto::EvpPrivateKey;
using crypto::EvpPublicKey;
using crypto::testing::hex;
using crypto::testing::unhex;
using ByteVector = std::vector<std::uint8_t>;

namespace {

// Signs, verifies, and refuses what is nearly right.
void check_pair(const EvpPrivateKey& key, const EvpPublicKey& public_key) {
  const Bytes message = as_bytes("a message");
  auto signature = key.sign(message).value();
  const EvpPublicKey copy = public_key;
  CHECK(copy.verify(message, signature));
  CHECK_FALSE(public_key.verify(as_bytes("another"), signature));
  CHECK_FALSE(public_key.verify(message, {}));
  CHECK_FALSE(public_key.verify(message, Bytes(signature).first(signature.size() - 1)));
  for (auto& byte : signature) {
    byte ^= 1;
    CHECK_FALSE(public_key.verify(message, signature));
    byte ^= 1;
  }
  signature.push_back(0);
  CHECK_FALSE(public_key.verify(message, signature));
  CHECK(ERR_peek_error() == 0);  // the queue is TLS's
}

// Every shorter form of a key, and one with a byte more, is no key.
template <typename Parse>
void check_bounds(const ByteVector& key, Parse parse) {
  for (std::size_t size = 0; size < key.size(); ++size) CHECK_FALSE(parse(Bytes(key).first(size)));
  ByteVector longer = key;
  longer.push_back(0);
  CHECK_FALSE(parse(longer));
  CHECK(ERR_peek_error() == 0);
}

ByteVector to_vector(const crypto::Secret& secret) { return {secret.bytes().begin(), secret.bytes().end()}; }

}  // namespace

TEST_CASE("rsa: signs, verifies, and comes back from its bytes") {
  const auto key = EvpPrivateKey::generate_rsa();
  const auto public_key = EvpPublicKey::rsa(key.public_pkix());
  REQUIRE(public_key);
  check_pair(key, *public_key);
  check_bounds(key.public_pkix(), EvpPublicKey::rsa);
  check_bounds(to_vector(key.to_der()), EvpPrivateKey::rsa);
  const auto again = EvpPrivateKey::rsa(key.to_der().bytes());
  REQUIRE(again);
  CHECK(again->sign(as_bytes("x")).value() == key.sign(as_bytes("x")).value());
  CHECK_FALSE(EvpPublicKey::ecdsa(key.public_pkix()));
  CHECK_FALSE(EvpPrivateKey::ecdsa(key.to_der().bytes()));
}

TEST_CASE("rsa: a length that is not written the shortest way is refused") {
  ByteVector pkix = EvpPrivateKey::generate_rsa().public_pkix();
  REQUIRE(hex(Bytes(pkix).first(4)) == "30820122");
  pkix.erase(pkix.begin(), pkix.begin() + 4);
  for (const std::string_view head : {"3083000122", "3080"}) {
    ByteVector longer = unhex(head);
    longer.insert(longer.end(), pkix.begin(), pkix.end());
    if (head == "3080") longer.insert(longer.end(), {0, 0});
    CHECK_FALSE(EvpPublicKey::rsa(longer));
  }
}

TEST_CASE("rsa: sizes and exponents") {
  // PKIX of the modulus 2^(bits-1) + `low` and an exponent.
  const auto pkix = [](std::size_t bits, unsigned low, std::string_view exponent) {
    const auto wrap = [](std::uint8_t tag, const ByteVector& body) {
      ByteVector all = {tag, 0x82, static_cast<std::uint8_t>(body.size() >> 8), static_cast<std::uint8_t>(body.size())};
      if (body.size() < 256) all = {tag, 0x81, static_cast<std::uint8_t>(body.size())};
      if (body.size() < 128) all = {tag, static_cast<std::uint8_t>(body.size())};
      all.insert(all.end(), body.begin(), body.end());
      return all;
    };
    ByteVector modulus((bits + 7) / 8, 0);
    modulus[0] = static_cast<std::uint8_t>(1U << ((bits - 1) % 8));
    modulus.back() = static_cast<std::uint8_t>(modulus.back() | low);
    if (modulus[0] >= 0x80) modulus.insert(modulus.begin(), 0);
    ByteVector numbers = wrap(0x02, modulus);
    const ByteVector second = wrap(0x02, unhex(exponent));
    numbers.insert(numbers.end(), second.begin(), second.end());
    ByteVector key = wrap(0x30, numbers);
    key.insert(key.begin(), 0);  // a bit string without unused bits
    key = wrap(0x03, key);
    const ByteVector algorithm = unhex("300d06092a864886f70d0101010500");
    key.insert(key.begin(), algorithm.begin(), algorithm.end());
    return wrap(0x30, key);
  };
  CHECK(EvpPublicKey::rsa(pkix(2048, 1, "010001")));
  CHECK(EvpPublicKey::rsa(pkix(2048, 1, "03")));
  CHECK(EvpPublicKey::rsa(pkix(8192, 1, "010001")));
  CHECK_FALSE(EvpPublicKey::rsa(pkix(2047, 1, "010001")));
  CHECK_FALSE(EvpPublicKey::rsa(pkix(1024, 1, "010001")));
  CHECK_FALSE(EvpPublicKey::rsa(pkix(8193, 1, "010001")));
  CHECK_FALSE(EvpPublicKey::rsa(pkix(16384, 1, "010001")));
  CHECK_FALSE(EvpPublicKey::rsa(pkix(2048, 0, "010001")));  // an even modulus
  for (const std::string_view exponent : {"00", "01", "02", "010000", "010003", "7fffffff", "0100000001", "81"}) {
    CAPTURE(exponent);
    CHECK_FALSE(EvpPublicKey::rsa(pkix(2048, 1, exponent)));
  }
}

TEST_CASE("ecdsa: signs, verifies, and comes back from its bytes") {
  const auto key = EvpPrivateKey::generate_ecdsa();
  const auto public_key = EvpPublicKey::ecdsa(key.public_pkix());
  REQUIRE(public_key);
  check_pair(key, *public_key);
  check_bounds(key.public_pkix(), EvpPublicKey::ecdsa);
  check_bounds(to_vector(key.to_der()), EvpPrivateKey::ecdsa);
  const auto again = EvpPrivateKey::ecdsa(key.to_der().bytes());
  REQUIRE(again);
  CHECK(again->public_pkix() == key.public_pkix());
  CHECK_FALSE(EvpPublicKey::rsa(key.public_pkix()));
}

TEST_CASE("ecdsa: points off the curve, and other curves") {
  ByteVector pkix = EvpPrivateKey::generate_ecdsa().public_pkix();
  pkix.back() ^= 1;
  CHECK_FALSE(EvpPublicKey::ecdsa(pkix));
  const auto foreign = EvpPrivateKey::generate_secp256k1();
  CHECK_FALSE(EvpPublicKey::ecdsa(foreign.public_pkix()));
  CHECK_FALSE(EvpPrivateKey::ecdsa(foreign.to_der().bytes()));
  CHECK_FALSE(EvpPrivateKey::rsa(foreign.to_der().bytes()));
}

TEST_CASE("ecdsa: all NIST curves") {
  // openssl ecparam -name CURVE -genkey -noout | openssl ec -pubout -outform DER
  for (const std::string_view pkix :
       {"304e301006072a8648ce3d020106052b81040021033a00045e855f8853c57201b1a391ece9b6288deea6688006410d3465337dcae8a0e6"
        "00656d3216fc253efc003def0430c9deb948f9a7eece39c348",
        "3059301306072a8648ce3d020106082a8648ce3d03010703420004c84273e602f3958b6f54a21152f7e979b4bb8773ee67f61dba7502c5"
        "3cbf1574d958fb61cc6ee4212c31ce3fabd8b94e70e20efdaf488490d72795a649586a50",
        "3076301006072a8648ce3d020106052b8104002203620004bf305c22d39bf373796adc9538581a51df0a113ed7b07ffe066189cdc756d9"
        "3a5fabe168460b1b500743580e200b471130046b86daee22bf58c6b23ee34c017042d5366291df2692f40d4e90a70ed03ddb70338a2c5d"
        "1121f26997aa64d9c0ba",
        "30819b301006072a8648ce3d020106052b81040023038186000401b2ef62d74a2565d5d24b80d917d24b2e437435637ba1e661e8c68c1a"
        "cbc436521869767ec05c46e3d56cf8c0a0f9b13139d2ab198892aa182656da175c7174612000bd9e1d65379120ac426e18b4df8db0e0e8"
        "17fd617f28009666de70f1997e4b4da4dacd30d3e796f066e575125d719fe60966c96e70f5ed4c072821dd44631f0c7e"}) {
    CAPTURE(pkix);
    CHECK(EvpPublicKey::ecdsa(unhex(pkix)));
  }
}

TEST_CASE("secp256k1: signs, verifies, and comes back from its bytes") {
  const auto key = EvpPrivateKey::generate_secp256k1();
  const auto public_key = EvpPublicKey::secp256k1(key.public_point());
  REQUIRE(public_key);
  check_pair(key, *public_key);
  check_bounds(key.public_point(), EvpPublicKey::secp256k1);
  check_bounds(to_vector(key.scalar()), EvpPrivateKey::secp256k1);
  const auto again = EvpPrivateKey::secp256k1(key.scalar().bytes());
  REQUIRE(again);
  CHECK(again->public_point() == key.public_point());
}

TEST_CASE("secp256k1: the scalar 1 is the base point; scalars and points out of range") {
  ByteVector scalar(32, 0);
  CHECK_FALSE(EvpPrivateKey::secp256k1(scalar));
  scalar.back() = 1;
  const auto one = EvpPrivateKey::secp256k1(scalar);
  REQUIRE(one);
  CHECK(hex(one->public_point()) == "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
  CHECK_FALSE(EvpPrivateKey::secp256k1(unhex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")));
  CHECK(EvpPrivateKey::secp256k1(unhex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140")));
  CHECK_FALSE(EvpPrivateKey::secp256k1(ByteVector(32, 0xFF)));

  ByteVector point = one->public_point();
  for (const int tag : {0x00, 0x01, 0x04, 0x05, 0x06}) {
    point[0] = static_cast<std::uint8_t>(tag);
    CHECK_FALSE(EvpPublicKey::secp256k1(point));
  }
  ByteVector not_on_curve(33, 0);
  not_on_curve[0] = 2;
  not_on_curve[32] = 5;  // 5³ + 7 is no square
  CHECK_FALSE(EvpPublicKey::secp256k1(not_on_curve));
}

namespace {

// DER: 30 size, 02 size r, 02 size s.
std::size_t at_s(const ByteVector& signature) { return 4U + signature[3] + 2; }

// The signature with n - s.
ByteVector with_other_s(ByteVector signature) {
  const ByteVector order = unhex("00fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
  const std::size_t at = at_s(signature);
  ByteVector s(signature.begin() + static_cast<std::ptrdiff_t>(at), signature.end());
  s.insert(s.begin(), order.size() - s.size(), 0);
  int borrowed = 0;
  for (std::size_t i = s.size(); i-- > 0;) {
    const int digit = order[i] - s[i] - borrowed;
    borrowed = digit < 0;
    s[i] = static_cast<std::uint8_t>(digit & 0xFF);
  }
  while (s[0] == 0 && s[1] < 0x80) s.erase(s.begin());
  signature.resize(at);
  signature[at - 1] = static_cast<std::uint8_t>(s.size());
  signature.insert(signature.end(), s.begin(), s.end());
  signature[1] = static_cast<std::uint8_t>(signature.size() - 2);
  return signature;
}

}  // namespace

TEST_CASE("secp256k1: signatures have the low s, a high one is as good") {
  const auto key = EvpPrivateKey::generate_secp256k1();
  const auto public_key = EvpPublicKey::secp256k1(key.public_point()).value();
  const ByteVector half = unhex("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
  for (int i = 0; i < 64; ++i) {
    const ByteVector signature = key.sign(as_bytes("x")).value();
    ByteVector s(signature.begin() + static_cast<std::ptrdiff_t>(at_s(signature)), signature.end());
    s.insert(s.begin(), half.size() - s.size(), 0);
    CHECK(s <= half);
    CHECK(public_key.verify(as_bytes("x"), signature));
    CHECK(public_key.verify(as_bytes("x"), with_other_s(signature)));
  }
}
