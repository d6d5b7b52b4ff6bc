#include "core/libp2p/peer_id.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <unordered_set>

#include <fmt/format.h>

#include "tests/support/naive_peer_id.h"

#include <catch2/catch.hpp>

using namespace swage;
using libp2p::PeerId;
using libp2p::multibase::Base;
using tests::ByteVector;

namespace {

using Random = std::mt19937_64;

ByteVector random_bytes(Random& random, std::size_t size) {
  ByteVector bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

ByteVector operator+(ByteVector a, const ByteVector& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Multihashes as nodes have them. RSA and ECDSA keys are longer than 42 bytes, so that only their hash is seen.
ByteVector ed25519(const ByteVector& key) { return ByteVector{0x00, 0x24, 0x08, 0x01, 0x12, 0x20} + key; }
ByteVector secp256k1(const ByteVector& key) { return ByteVector{0x00, 0x25, 0x08, 0x02, 0x12, 0x21} + key; }
ByteVector sha256(const ByteVector& digest) { return ByteVector{0x12, 0x20} + digest; }

ByteVector random_multihash(Random& random) {
  ByteVector body = random_bytes(random, 32);
  if (random() % 4 == 0) body.assign(32, random() % 2 == 0 ? 0x00 : 0xFF);
  switch (random() % 3) {
    case 0:
      return ed25519(body);
    case 1:
      return secp256k1(ByteVector{static_cast<std::uint8_t>(2 + random() % 2)} + body);
    default:
      return sha256(body);
  }
}

// A multihash that is nearly one.
ByteVector spoil(Random& random, ByteVector multihash) {
  switch (random() % 4) {
    case 0:
      multihash[random() % 8] ^= static_cast<std::uint8_t>(1U << random() % 8);
      break;
    case 1:
      multihash.push_back(static_cast<std::uint8_t>(random()));
      break;
    case 2:
      multihash.pop_back();
      break;
    default:
      multihash.insert(multihash.begin(), 0);
  }
  return multihash;
}

bool is_peer_id(std::string_view label) { return tests::check_peer_id_label(label); }

}  // namespace

TEST_CASE("peer id: known ones, in all their texts") {
  const struct {
    std::string_view base36, base58, base32;
  } cases[] = {
      {"k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk",
       "12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf", ""},
      {"k51qzi5uqu5dgf513xbrfjl4smgo2eh1x8p8y6grzsf1oz0reiy56p65tds3s6",
       "12D3KooWATZi2wFwQxQ14Z3q24TDNWKap6f8W5ryLE6Da4RMfsxy", ""},
      {"k2k4r8jl0yz8qjgqbmc2cdu5hkqek5rj6flgnlkyywynci20j0iuyfuj", "QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN",
       "bafzbeiagwnqiviaae5aet2zivwhhsorg75x2wka2pu55o7grr23ulx5kxm"},
      // The keys of the libp2p specification's test vectors: Ed25519 and secp256k1.
      {"k51qzi5uqu5dgy8qsq67hbz73jqkw87l3fgf4a91qb0d9b5173tir7n4vxk1oe",
       "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq", ""},
      {"kzwfwjn5ji4put13uvtwtc7azzwk42cq2o8ctfnxa6q8n90e72o3pjqbrp3lpcp",
       "16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY", ""},
  };
  for (const auto& [base36, base58, base32] : cases) {
    CAPTURE(base36);
    const auto id = PeerId::from_label(as_bytes(base36));
    REQUIRE(id);
    CHECK(id->to_base36() == base36);
    CHECK(id->to_base58() == base58);
    CHECK(PeerId::from_base58(base58) == *id);
    CHECK(PeerId::from_multihash(id->multihash()) == *id);
    if (!base32.empty()) CHECK(PeerId::from_label(as_bytes(base32)) == *id);
  }
}

TEST_CASE("peer id: labels that are none") {
  const ByteVector zeros(32, 0);
  const ByteVector ones(32, 0xFF);
  const auto base36 = [](const ByteVector& multihash) { return tests::label_of(Base::base36, multihash); };
  const auto base32 = [](const ByteVector& multihash) { return tests::label_of(Base::base32, multihash); };

  // The ends of the range of each form are in it, and the form holds no more.
  CHECK(is_peer_id(base36(ed25519(zeros))));
  CHECK(is_peer_id(base36(ed25519(ones))));
  CHECK(is_peer_id(base36(sha256(zeros))));
  CHECK(is_peer_id(base32(sha256(ones))));
  CHECK(is_peer_id(base36(secp256k1(ByteVector{2} + zeros))));
  CHECK(is_peer_id(base36(secp256k1(ByteVector{3} + ones))));
  CHECK_FALSE(is_peer_id(base36(secp256k1(ByteVector{1} + ones))));
  CHECK_FALSE(is_peer_id(base36(secp256k1(ByteVector{4} + zeros))));

  CHECK_FALSE(is_peer_id(""));
  CHECK_FALSE(is_peer_id("k"));
  CHECK_FALSE(is_peer_id("www"));
  CHECK_FALSE(is_peer_id(std::string(62, 'k')));
  CHECK_FALSE(is_peer_id(std::string(63, 'z')));
  CHECK_FALSE(is_peer_id("k" + std::string(61, '0')));
  CHECK_FALSE(is_peer_id("12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf"));
  CHECK_FALSE(is_peer_id("QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"));
  // Upper case, another base, a leading zero, a digit more or less.
  CHECK_FALSE(is_peer_id("K51QZI5UQU5DIUCI8BVA7NARZO109JUVLFBCKHZF3J2LJUA2979B21RS6UYQUK"));
  CHECK_FALSE(is_peer_id("k51Qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk"));
  CHECK_FALSE(is_peer_id("b51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk"));
  CHECK_FALSE(is_peer_id("k051qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk"));
  CHECK_FALSE(is_peer_id("k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyqukk"));
  CHECK_FALSE(is_peer_id("k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyqu"));
  CHECK_FALSE(is_peer_id("bafzbeiagwnqiviaae5aet2zivwhhsorg75x2wka2pu55o7grr23ulx5kxn"));  // bits behind the last byte
  // A CID of data (codec dag-pb), and one with a SHA-256 of 31 bytes.
  CHECK_FALSE(is_peer_id("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"));
  CHECK_FALSE(is_peer_id(base36(ByteVector{0x12, 0x1F} + ByteVector(31, 1))));
  // An identity multihash of something that is no key; of an Ed25519 key whose fields are in the other order.
  CHECK_FALSE(is_peer_id(base36(ByteVector{0x00, 0x05} + ByteVector(5, 'x'))));
  CHECK_FALSE(is_peer_id(base36(ByteVector{0x00, 0x24, 0x12, 0x20} + zeros + ByteVector{0x08, 0x01})));
}

TEST_CASE("peer id: random ones of each key type, and what is nearly one") {
  Random random(2);
  int found = 0;
  for (int i = 0; i < 20000; ++i) {
    const ByteVector multihash = random_multihash(random);
    std::string label = tests::label_of(Base::base36, multihash);
    CAPTURE(label);
    REQUIRE(is_peer_id(label));
    if (multihash[0] == 0x12) REQUIRE(is_peer_id(tests::label_of(Base::base32, multihash)));
    const ByteVector wrong = spoil(random, multihash);
    found += is_peer_id(tests::label_of(Base::base36, wrong)) ? 1 : 0;
    is_peer_id(tests::label_of(Base::base32, wrong));
    label[random() % label.size()] = static_cast<char>(random());
    is_peer_id(label);
    label.resize(random() % 64, 'k');
    is_peer_id(label);
  }
  CHECK(found < 2000);
}

TEST_CASE("peer id: the corpus of the fuzzer") {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("tests/fuzz/corpus/peer_id")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input{std::istreambuf_iterator<char>(file), {}};
    tests::check_peer_id_input(as_bytes(input));
    ++count;
  }
  CHECK(count >= 20);
}

TEST_CASE("peer id: multihashes and base58 texts that are none") {
  const auto error_of = [](const Result<PeerId>& id) { return id ? "" : id.error().text(); };
  CHECK(error_of(PeerId::from_multihash({})) ==
        "a multihash of 0 bytes that is neither SHA-256 nor an Ed25519 or secp256k1 key");
  CHECK(error_of(PeerId::from_multihash(ByteVector(34, 0))) ==
        "a multihash of 34 bytes that is neither SHA-256 nor an Ed25519 or secp256k1 key");
  CHECK(error_of(PeerId::from_base58("12D3")) ==
        "a multihash of 3 bytes that is neither SHA-256 nor an Ed25519 or secp256k1 key");
  CHECK(error_of(PeerId::from_base58("12D3K0")) == "byte 0x30 is not a digit of base 58");
  CHECK(error_of(PeerId::from_base58(std::string(85, '1'))) == "a text of 85 characters is too long for a peer ID");
}

TEST_CASE("peer id: a value that tables can hold") {
  Random random(3);
  std::unordered_set<PeerId> set;
  for (int i = 0; i < 100; ++i) set.insert(*PeerId::from_multihash(ed25519(random_bytes(random, 32))));
  CHECK(set.size() == 100);
  const PeerId copy = *set.begin();
  CHECK(set.contains(copy));
  CHECK(PeerId().multihash().empty());
  CHECK_FALSE(set.contains(PeerId()));
}

// The best of 50 rounds, in nanoseconds: core_libp2p_test "[bench]".
TEST_CASE("peer id: nanoseconds a label", "[.bench]") {
  const std::string labels[] = {"k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk",
                                "kzwfwjn5ji4put13uvtwtc7azzwk42cq2o8ctfnxa6q8n90e72o3pjqbrp3lpcp",
                                "k2k4r8jl0yz8qjgqbmc2cdu5hkqek5rj6flgnlkyywynci20j0iuyfuj",
                                "bafzbeiagwnqiviaae5aet2zivwhhsorg75x2wka2pu55o7grr23ulx5kxm", "www"};
  constexpr int kCalls = 100000;
  for (const std::string& label : labels) {
    double best = 1e9;
    for (int round = 0; round < 50; ++round) {
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < kCalls; ++i) {
        asm volatile("" ::"r"(label.data()) : "memory");
        const auto id = PeerId::from_label(as_bytes(label));
        asm volatile("" ::"r"(&id) : "memory");
      }
      const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
      best = std::min(best, taken.count() / kCalls);
    }
    WARN(fmt::format("{:5.1f} ns {}", best, label));
  }
}
