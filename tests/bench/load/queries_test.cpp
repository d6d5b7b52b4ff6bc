#include "tests/bench/load/queries.h"

#include <cmath>
#include <map>
#include <set>

#include <catch2/catch.hpp>

namespace swage::bench {
namespace {

std::string name_of(Bytes question) {
  std::string name;
  for (std::size_t at = 0; question[at] != 0; at += question[at] + 1U) {
    name += std::string(as_text(question.subspan(at + 1, question[at]))) + ".";
  }
  return name;
}

TEST_CASE("base36 keeps leading zero bytes") {
  const std::uint8_t bytes[] = {0, 0, 1, 0};
  REQUIRE(base36(bytes) == "0074");
  REQUIRE(base36({}).empty());
}

TEST_CASE("a peer label is the CIDv1 of its key") {
  // 12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf
  const std::uint8_t key[] = {0x6a, 0xb8, 0xfc, 0xed, 0x30, 0x5f, 0xd3, 0x83, 0x98, 0x50, 0x48,
                              0x7f, 0xdb, 0x84, 0xa1, 0x0a, 0x6a, 0x15, 0x20, 0xb8, 0x54, 0x51,
                              0x78, 0x6c, 0x2e, 0x5c, 0x48, 0xa3, 0x03, 0x88, 0xf2, 0x6c};
  REQUIRE(peer_label(key) == "k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk");
}

TEST_CASE("a mix of popular names is asked for with RD, and the second name half as often as the first") {
  constexpr std::size_t kCount = 200'000;
  auto queries = make_queries({.kind = Mix::Kind::popular, .names = 10'000, .path = {}}, kCount, 1, false);
  REQUIRE(queries);
  CHECK(queries->packet(0)[2] == 1);
  std::map<std::string, std::size_t> times;
  for (std::size_t i = 0; i < kCount; ++i) ++times[std::string(as_text(queries->question(i).subspan(1, 17)))];
  const auto first = static_cast<double>(times[zone_label(0)]), second = static_cast<double>(times[zone_label(1)]);
  CHECK(first / kCount == Approx(std::log(2) / std::log(10'001)).epsilon(0.05));
  CHECK(second / kCount == Approx(std::log(1.5) / std::log(10'001)).epsilon(0.05));
  CHECK(times.size() > 9'000);
}

TEST_CASE("the names of a synth mix all differ") {
  const auto queries = make_queries({.kind = Mix::Kind::synth, .names = 0, .path = ""}, 20'000, 7, false);
  REQUIRE(queries);
  std::set<std::string> names;
  for (std::size_t i = 0; i < queries->size(); ++i) names.insert(name_of(queries->question(i)));
  REQUIRE(names.size() == 20'000);
}

}  // namespace
}  // namespace swage::bench
