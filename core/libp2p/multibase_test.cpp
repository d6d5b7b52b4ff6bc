#include "core/libp2p/multibase.h"

#include <catch2/catch.hpp>
#include <random>

using namespace swage;
using libp2p::multibase::Base;

namespace {

constexpr Base kBases[] = {Base::base32, Base::base36, Base::base58btc};

std::string error_of(Base base, std::string_view digits) {
  const auto bytes = libp2p::multibase::decode(base, digits);
  return bytes ? "" : bytes.error().text();
}

}  // namespace

TEST_CASE("multibase: the vectors of the multibase specification") {
  const struct {
    Base base;
    std::string_view bytes, digits;
  } cases[] = {
      {Base::base32, "yes mani !", "pfsxgidnmfxgsibb"},
      {Base::base36, "yes mani !", "2lcpzo5yikidynfl"},
      {Base::base58btc, "yes mani !", "7paNL19xttacUY"},
      {Base::base32, std::string_view("\0yes mani !", 11), "ab4wk4zanvqw42jaee"},
      {Base::base36, std::string_view("\0yes mani !", 11), "02lcpzo5yikidynfl"},
      {Base::base58btc, std::string_view("\0yes mani !", 11), "17paNL19xttacUY"},
      {Base::base36, std::string_view("\0\0yes mani !", 12), "002lcpzo5yikidynfl"},
      {Base::base32, "f", "my"},  // RFC 4648 section 10
      {Base::base32, "fo", "mzxq"},
      {Base::base32, "foo", "mzxw6"},
      {Base::base32, "foob", "mzxw6yq"},
      {Base::base32, "fooba", "mzxw6ytb"},
      {Base::base32, "", ""},
      {Base::base36, "", ""},
      {Base::base58btc, std::string_view("\0\0", 2), "11"},
  };
  for (const auto& [base, bytes, digits] : cases) {
    CAPTURE(digits);
    CHECK(libp2p::multibase::encode(base, as_bytes(bytes)) == digits);
    const auto decoded = libp2p::multibase::decode(base, digits);
    REQUIRE(decoded);
    CHECK(as_text(*decoded) == bytes);
  }
}

TEST_CASE("multibase: what is no text of a base") {
  CHECK(error_of(Base::base32, "MY") == "byte 0x4d is not a digit of base 32");
  CHECK(error_of(Base::base32, "my======") == "byte 0x3d is not a digit of base 32");
  CHECK(error_of(Base::base32, "mz") == "the bits after the last byte of a base 32 text must be 0");
  CHECK(error_of(Base::base32, "a") == "base 32 text has a digit too many");
  CHECK(error_of(Base::base32, "mya") == "base 32 text has a digit too many");
  CHECK(error_of(Base::base36, "K5") == "byte 0x4b is not a digit of base 36");
  CHECK(error_of(Base::base36, "k-5") == "byte 0x2d is not a digit of base 36");
  CHECK(error_of(Base::base58btc, "Qm0") == "byte 0x30 is not a digit of base 58");
}

TEST_CASE("multibase: decode is the inverse of encode") {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::uint8_t> bytes(random() % 60);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % 4 == 0 ? 0 : random());
    for (const Base base : kBases)
      CHECK(libp2p::multibase::decode(base, libp2p::multibase::encode(base, bytes)) == bytes);
  }
}
