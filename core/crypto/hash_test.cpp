// Hashes, secrets, randomness, base64url and Ed25519 against the RFCs' vectors.
#include "core/crypto/hash.h"

#include <string>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include "core/crypto/base64.h"
#include "core/crypto/ed25519.h"
#include "core/crypto/random.h"
#include "core/crypto/secret.h"
#include "core/crypto/testing.h"

#include <catch2/catch.hpp>

using namespace swage;
using crypto::testing::hex;
using crypto::testing::unhex;

TEST_CASE("sha256: FIPS 180-4") {
  CHECK(hex(crypto::sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(crypto::sha256(as_bytes("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("hmac: RFC 4231") {
  const struct {
    std::string key, message, digest;
  } cases[] = {
      {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(262, 'a'),
       "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  };
  for (const auto& [key, message, digest] : cases) {
    CHECK(hex(crypto::hmac_sha256(unhex(key), unhex(message))) == digest);
  }
}

TEST_CASE("hkdf: RFC 5869, appendix A") {
  std::vector<std::uint8_t> out(42);
  crypto::hkdf_sha256(unhex("000102030405060708090a0b0c"), std::vector<std::uint8_t>(22, 0x0b),
                      unhex("f0f1f2f3f4f5f6f7f8f9"), out);
  CHECK(hex(out) == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  crypto::hkdf_sha256({}, std::vector<std::uint8_t>(22, 0x0b), {}, out);
  CHECK(hex(out) == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
  std::vector<std::uint8_t> longest(255 * 32);
  crypto::hkdf_sha256({}, as_bytes("key"), {}, longest);
  CHECK(hex(longest) != hex(std::vector<std::uint8_t>(255 * 32)));
}

TEST_CASE("secret: moves, starts as zeros, is not copied") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<crypto::Secret>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<crypto::Secret>);
  STATIC_REQUIRE_FALSE(fmt::is_formattable<crypto::Secret>::value);
  crypto::Secret secret = crypto::Secret::copy_of(as_bytes("a secret"));
  crypto::Secret moved = std::move(secret);
  CHECK(as_text(std::as_const(moved).bytes()) == "a secret");
  CHECK(secret.bytes().empty());  // NOLINT(bugprone-use-after-move): what a moved-from one is
  crypto::Secret other(4);
  CHECK(hex(other.bytes()) == "00000000");
  other = std::move(moved);
  CHECK(as_text(other.bytes()) == "a secret");
  CHECK(crypto::Secret::copy_of({}).bytes().empty());
}

TEST_CASE("equal: of sizes and of bytes") {
  CHECK(crypto::equal({}, {}));
  CHECK(crypto::equal(as_bytes("abc"), as_bytes("abc")));
  CHECK_FALSE(crypto::equal(as_bytes("abc"), as_bytes("abd")));
  CHECK_FALSE(crypto::equal(as_bytes("abc"), as_bytes("abcd")));
}

TEST_CASE("random: the system's differs each time") {
  crypto::SystemRandom random;
  std::vector<std::uint8_t> a(32), b(32);
  random.fill(a);
  random.fill(b);
  CHECK(a != b);
}

TEST_CASE("base64url: RFC 4648, with padding and without") {
  const struct {
    std::string_view bytes, text;
  } cases[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"\xfb\xff", "-_8="}};
  for (const auto& [bytes, text] : cases) {
    CAPTURE(text);
    CHECK(crypto::to_base64url(as_bytes(bytes)) == text);
    for (const auto form : {text, text.substr(0, text.find('='))}) {
      const auto read = crypto::from_base64url(form);
      REQUIRE(read);
      CHECK(as_text(*read) == bytes);
    }
  }
  for (const std::string_view bad : {"Z", "Zg=", "Zg===", "Zm8==", "=", "====", "Zh==", "Zh", "+/8=", "Zm 9v", "Zm9v\n",
                                     "Zm9v=", "Zg==Zg==", "Zm9vY"}) {
    CAPTURE(bad);
    CHECK_FALSE(crypto::from_base64url(bad));
  }
}

TEST_CASE("base64: with padding alone, and characters of its own") {
  for (const auto& [bytes, text] : std::vector<std::pair<std::string, std::string>>{
           {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"\xfb\xff", "+/8="}}) {
    CAPTURE(text);
    CHECK(crypto::to_base64(as_bytes(bytes)) == text);
    CHECK(crypto::from_base64(text) == bytes);
  }
  for (const std::string_view bad : {"Zg", "Zg=", "-_8=", "Zh==", "Zg==Zg==", "Zm9v\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(crypto::from_base64(bad).has_value());
  }
}

TEST_CASE("ed25519: RFC 8032, section 7.1, test 2") {
  const auto key =
      crypto::Ed25519Key::from_seed(unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  const auto public_key = key.public_key();
  CHECK(hex(public_key) == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const auto message = unhex("72");
  auto signature = key.sign(message);
  CHECK(hex(signature) ==
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  CHECK(crypto::ed25519_verify(public_key, message, signature));
  CHECK_FALSE(crypto::ed25519_verify(public_key, unhex("73"), signature));
  CHECK_FALSE(crypto::ed25519_verify(public_key, message, Bytes(signature).first(63)));
  CHECK_FALSE(crypto::ed25519_verify({}, message, signature));  // a point of small order
  for (auto& byte : signature) {
    byte ^= 1;
    CHECK_FALSE(crypto::ed25519_verify(public_key, message, signature));
    byte ^= 1;
  }
}
