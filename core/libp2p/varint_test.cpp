#include "core/libp2p/varint.h"

#include <random>

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::libp2p;
using ByteVector = std::vector<std::uint8_t>;

namespace {

ByteVector encode(std::uint64_t value) {
  ByteVector out;
  varint::append(out, value);
  return out;
}

}  // namespace

TEST_CASE("varint: the examples of the specification") {
  const struct {
    std::uint64_t value;
    ByteVector bytes;
  } cases[] = {
      {0, {0x00}},
      {1, {0x01}},
      {127, {0x7F}},
      {128, {0x80, 0x01}},
      {255, {0xFF, 0x01}},
      {300, {0xAC, 0x02}},
      {16384, {0x80, 0x80, 0x01}},
      {(1ULL << 63) - 1, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F}},
  };
  for (const auto& [value, bytes] : cases) {
    CAPTURE(value);
    CHECK(encode(value) == bytes);
    ByteVector more = bytes;
    more.push_back(0x55);  // what follows is left alone
    for (const ByteVector& each : {bytes, more}) {
      const auto decoded = varint::read(each);
      REQUIRE(decoded);
      CHECK(decoded->value == value);
      CHECK(decoded->size == bytes.size());
    }
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      CHECK(varint::read(Bytes(bytes).first(cut)).error() == varint::Fault::incomplete);
    }
  }
}

TEST_CASE("varint: what is none") {
  const ByteVector cases[] = {
      {0x80, 0x00},                                                        // 0 in two bytes
      {0x81, 0x00},                                                        // 1 in two bytes
      {0xFF, 0x80, 0x00},                                                  // 127 in three
      {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00},              // 0 in nine
      {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80},              // goes on behind nine bytes
      {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01},        // 2^64 - 1
      {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},  // 2^70
  };
  for (const ByteVector& bytes : cases) CHECK(varint::read(bytes).error() == varint::Fault::malformed);
}

TEST_CASE("varint: random values come back, in as few bytes as they need") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10000; ++i) {
    const std::uint64_t value = random() >> (1 + random() % 63);
    const ByteVector bytes = encode(value);
    const auto decoded = varint::read(bytes);
    REQUIRE(decoded);
    CHECK(decoded->value == value);
    CHECK(decoded->size == bytes.size());
    CHECK((bytes.size() == 1 || value >> (7 * (bytes.size() - 1)) != 0));
  }
}
