#include "core/libp2p/key.h"

#include <string>
#include <type_traits>

#include "core/crypto/testing.h"
#include "core/libp2p/key_vectors.h"

#include <catch2/catch.hpp>

using namespace swage;
using crypto::testing::hex;
using crypto::testing::unhex;
using libp2p::KeyType;
using libp2p::PrivateKey;
using libp2p::PublicKey;
using libp2p::testing::kKeyVectors;
using ByteVector = std::vector<std::uint8_t>;

namespace {

constexpr KeyType kTypes[] = {KeyType::rsa, KeyType::ed25519, KeyType::secp256k1, KeyType::ecdsa};

std::string error_of(std::string_view public_key_hex) {
  const auto key = PublicKey::from_protobuf(unhex(public_key_hex));
  return key ? "" : key.error().text();
}

const std::string kEd25519Data(64, '1');  // 32 bytes

}  // namespace

TEST_CASE("key: the specification's vectors, there and back") {
  const std::pair<KeyType, std::string_view> peer_ids[] = {
      {KeyType::ecdsa, "QmVMT29id3TUASyfZZ6k9hmNyc2nYabCo4uMSpDw4zrgDk"},
      {KeyType::ed25519, "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"},
      {KeyType::secp256k1, "16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY"},
      {KeyType::rsa, "QmaeANgBs1DTSxWSrPPtobgQuxW8XTfsS4ydbK4rCHzqxG"},
  };
  std::size_t i = 0;
  for (const auto& [type, private_key, public_key] : kKeyVectors) {
    CAPTURE(public_key);
    const auto key = PrivateKey::from_protobuf(unhex(private_key));
    REQUIRE(key);
    CHECK(hex(key->to_protobuf().bytes()) == private_key);
    CHECK(key->public_key().type() == type);
    CHECK(hex(key->public_key().to_protobuf()) == public_key);
    const auto read = PublicKey::from_protobuf(unhex(public_key));
    REQUIRE(read);
    CHECK(*read == key->public_key());
    REQUIRE(peer_ids[i].first == type);
    CHECK(read->peer_id().to_base58() == peer_ids[i++].second);
    const auto signature = key->sign(as_bytes("a message"));
    REQUIRE(signature);
    CHECK(read->verify(as_bytes("a message"), *signature));
  }
}

TEST_CASE("key: vectors cut at every length, and with a byte more, are no keys") {
  for (const auto& vector : kKeyVectors) {
    const ByteVector private_key = unhex(vector.private_key), public_key = unhex(vector.public_key);
    CAPTURE(vector.public_key);
    for (std::size_t size = 0; size < private_key.size(); ++size) {
      CHECK_FALSE(PrivateKey::from_protobuf(Bytes(private_key).first(size)));
    }
    for (std::size_t size = 0; size < public_key.size(); ++size) {
      CHECK_FALSE(PublicKey::from_protobuf(Bytes(public_key).first(size)));
    }
    ByteVector longer = public_key;
    longer.push_back(0);
    CHECK_FALSE(PublicKey::from_protobuf(longer));
  }
}

TEST_CASE("key: one of each type, generated") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<PrivateKey>);
  for (const KeyType type : kTypes) {
    CAPTURE(static_cast<int>(type));
    const PrivateKey key = PrivateKey::generate(type);
    const PublicKey& public_key = key.public_key();
    CHECK(public_key.type() == type);
    CHECK(PublicKey::from_protobuf(public_key.to_protobuf()).value() == public_key);
    const auto again = PrivateKey::from_protobuf(key.to_protobuf().bytes());
    REQUIRE(again);
    CHECK(again->public_key() == public_key);
    const auto signature = key.sign(as_bytes("x")).value();
    CHECK(public_key.verify(as_bytes("x"), signature));
    CHECK_FALSE(public_key.verify(as_bytes("y"), signature));
    for (const auto& vector : kKeyVectors) {
      const auto other = PublicKey::from_protobuf(unhex(vector.public_key)).value();
      CHECK_FALSE(other == public_key);
      CHECK_FALSE(other.peer_id() == public_key.peer_id());
      CHECK_FALSE(other.verify(as_bytes("x"), signature));
    }
  }
}

TEST_CASE("key: protobuf in other forms is read, and written in the canonical one") {
  const std::string canonical = "08011220" + kEd25519Data;
  const std::string forms[] = {
      canonical,
      "1220" + kEd25519Data + "0801",      // the other order
      "08001220" + kEd25519Data + "0801",  // the last Type counts
      "0801"
      "1202ffff"
      "1220" +
          kEd25519Data,  // the last Data counts
      "088100"
      "12a000" +
          kEd25519Data,  // varints longer than need be
      "88"
      "00"
      "01"
      "1220" +
          kEd25519Data,  // tags too
      "0801"
      "1805"
      "1a02ffff"
      "1dffffffff"
      "190000000000000000"
      "1220" +
          kEd25519Data,  // unknown fields
      "0801"
      "0d00000000"
      "1000"
      "1220" +
          kEd25519Data,  // known fields of another wire type
  };
  for (const std::string& form : forms) {
    CAPTURE(form);
    const auto key = PublicKey::from_protobuf(unhex(form));
    REQUIRE(key);
    CHECK(hex(key->to_protobuf()) == canonical);
  }
}

TEST_CASE("key: what is none, and why") {
  const std::string_view secp256k1 = kKeyVectors[2].public_key, ecdsa = kKeyVectors[0].public_key;
  REQUIRE(kKeyVectors[2].type == KeyType::secp256k1);
  const std::pair<std::string, std::string_view> cases[] = {
      {"", "the key's protobuf has no Type"},
      {"0801", "the key's protobuf has no Data"},
      {"1220" + kEd25519Data, "the key's protobuf has no Type"},
      {"08041220" + kEd25519Data, "no key type has the number 4"},
      {"08ffffffffffffffffff011220" + kEd25519Data, "no key type has the number 18446744073709551615"},
      {"08ffffffffffffffffff021220" + kEd25519Data, "the key's protobuf has a broken varint"},
      {"0881808080808080808080001220" + kEd25519Data, "the key's protobuf has a broken varint"},
      {"08011221" + kEd25519Data, "the key's protobuf is cut short"},
      {"080112ffffffffffffffffff01" + kEd25519Data, "the key's protobuf is cut short"},
      {"08011220" + kEd25519Data + "1b1c", "the key's protobuf has a field of an unknown wire type"},
      {"08011220" + kEd25519Data + "0700", "the key's protobuf has a field 0"},
      {"08011200", "an Ed25519 key has 32 bytes, not 0"},
      {"08011221" + kEd25519Data + "00", "an Ed25519 key has 32 bytes, not 33"},
      {"08021220" + kEd25519Data, "a secp256k1 key has 33 bytes, not 32"},
      {"08021221"
       "05" +
           kEd25519Data,
       "the public key is not PKIX, or its point is not on the curve"},
      {"08001220" + kEd25519Data, "the public key is not PKIX, or its point is not on the curve"},
      {"08031220" + kEd25519Data, "the key is not an uncompressed point on a NIST curve"},
      {"0800" + std::string(ecdsa.substr(4)), "the key is not an RSA key"},
      {"0803" + std::string(secp256k1.substr(4)), "the key is not an uncompressed point on a NIST curve"},
  };
  for (const auto& [protobuf, why] : cases) {
    CAPTURE(protobuf);
    CHECK(error_of(protobuf) == why);
  }
}

TEST_CASE("key: Ed25519 private keys as py-libp2p writes them: the seed alone") {
  const std::string vector(kKeyVectors[1].private_key);
  const auto bare = PrivateKey::from_protobuf(unhex("08011220" + vector.substr(8, 64)));
  REQUIRE(bare);
  CHECK(hex(bare->to_protobuf().bytes()) == vector);
}

TEST_CASE("key: Ed25519 private keys in the old form; public keys that are not theirs") {
  const std::string vector(kKeyVectors[1].private_key);
  REQUIRE(kKeyVectors[1].type == KeyType::ed25519);
  const std::string data = vector.substr(8), public_key = data.substr(64);
  const auto old = PrivateKey::from_protobuf(unhex("08011260" + data + public_key));
  REQUIRE(old);
  CHECK(hex(old->to_protobuf().bytes()) == vector);

  const auto error = [](const std::string& protobuf) {
    return PrivateKey::from_protobuf(unhex(protobuf)).error().text();
  };
  const std::string why = "the Ed25519 private key is not that of its public key";
  CHECK(error("08011260" + data + kEd25519Data) == why);
  CHECK(error("08011240" + data.substr(0, 64) + kEd25519Data) == why);
  CHECK(error("0801121f" + data.substr(0, 62)) == "an Ed25519 private key has 32, 64 or 96 bytes, not 31");
  CHECK(error("0801123f" + data.substr(0, 126)) == "an Ed25519 private key has 32, 64 or 96 bytes, not 63");
}
