// Noise against cacophony's vectors, against itself, and against what is cut, changed, repeated or someone else's.
#include "core/libp2p/noise.h"

#include <algorithm>
#include <limits>
#include <string>

#include "core/crypto/testing.h"
#include "core/libp2p/key_vectors.h"
#include "core/libp2p/noise_payload.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::libp2p;
using namespace swage::libp2p::noise;
using crypto::X25519Key;
using crypto::testing::hex;
using crypto::testing::SeededRandom;
using crypto::testing::unhex;
using ByteVector = std::vector<std::uint8_t>;
using Kind = NoiseError::Kind;

namespace {

PrivateKey identity(int number) { return PrivateKey::from_seed(ByteVector(32, static_cast<std::uint8_t>(number))); }

Handshake start(Handshake::Options options, const PrivateKey& key, std::uint64_t seed) {
  SeededRandom random(seed);
  auto handshake = Handshake::start(options, key, random);
  REQUIRE(handshake.has_value());
  return *std::move(handshake);
}

// The sides that all tests of what goes wrong are between.
Handshake initiator(std::optional<PeerId> expected = {}) { return start({Role::initiator, expected}, identity(1), 1); }
Handshake responder(std::optional<PeerId> expected = {}) { return start({Role::responder, expected}, identity(2), 2); }

NoiseResult<> give(Handshake& to, Bytes bytes, std::size_t step = 100'000) {
  while (!bytes.empty()) {
    Bytes part = bytes.first(std::min(step, bytes.size()));
    bytes = bytes.subspan(part.size());
    TRY(to.receive(part));
    REQUIRE(part.empty());
  }
  return {};
}

struct Pair {
  Channel initiator;
  Channel responder;
};

// Both sides to the end, each message in pieces of `step` bytes.
Pair connect(Handshake a, Handshake b, std::size_t step = 100'000) {
  REQUIRE(give(b, a.take_output(), step).has_value());
  REQUIRE(give(a, b.take_output(), step).has_value());
  REQUIRE(a.done());
  REQUIRE_FALSE(b.done());
  REQUIRE(give(b, a.take_output(), step).has_value());
  REQUIRE(b.done());
  REQUIRE(b.take_output().empty());
  return {std::move(a).finish(), std::move(b).finish()};
}

Pair connect() { return connect(initiator(), responder()); }

ByteVector sealed(Encryptor& encryptor, Bytes plaintext) {
  ByteVector out;
  REQUIRE(encryptor.encrypt(plaintext, out).has_value());
  return out;
}

std::optional<Kind> kind_of(const auto& result) {
  if (result) return std::nullopt;
  return result.error().kind();
}

// A responder's answer whose payload `payload` is, given its static key.
template <typename Make>
NoiseResult<> answer_with(Make payload) {
  SeededRandom random(3);
  KeyPairs keys{std::make_shared<const X25519Key>(X25519Key::generate(random)), X25519Key::generate(random)};
  const crypto::X25519Public fixed = keys.fixed->public_key();
  XxHandshake xx(Role::responder, {}, std::move(keys));
  Handshake victim = initiator();
  REQUIRE(xx.read(Bytes(victim.take_output()).subspan(kLengthSize)).has_value());
  const auto message = xx.write(payload(fixed));
  REQUIRE(message.has_value());
  ByteVector frame;
  append_frame(frame, *message);
  const auto result = give(victim, frame);
  CHECK(victim.done() == result.has_value());
  CHECK(victim.take_output().empty() != result.has_value());
  return result;
}

}  // namespace

TEST_CASE("noise: the vector of cacophony for XX_25519_ChaChaPoly_SHA256") {
  const auto keys = [](std::string_view fixed, std::string_view ephemeral) {
    return KeyPairs{std::make_shared<const X25519Key>(X25519Key::from_bytes(unhex(fixed))),
                    X25519Key::from_bytes(unhex(ephemeral))};
  };
  const ByteVector prologue = unhex("4a6f686e2047616c74");
  XxHandshake sides[] = {XxHandshake(Role::initiator, prologue,
                                     keys("e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
                                          "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a")),
                         XxHandshake(Role::responder, prologue,
                                     keys("4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
                                          "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"))};
  const struct {
    std::string payload, ciphertext;
  } messages[] = {
      {"4c756477696720766f6e204d69736573",
       "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d69736573"},
      {"4d757272617920526f746862617264",
       "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884381cbad1f276e038c48378ffce2b65285e08d6b68aaa362"
       "9a5a8639392490e5b9bd5269c2f1e4f488ed8831161f19b7815528f8982ffe09be9b5c412f8a0db50f8814c7194e83f23dbd8d162c9326"
       "ad"},
      {"462e20412e20486179656b",
       "c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a80ae475b9df0f169ae80a89be0865b57f58c9fea0d4ec82"
       "a286427402f113e4b6ae769a1d95941d49b25030"},
      {"4361726c204d656e676572", "96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df"},
      {"4a65616e2d426170746973746520536179", "3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07f5"},
      {"457567656e2042f6686d20766f6e2042617765726b",
       "eb3f3515110702e047a6c9da4478b6ead94873c11c0f2d710ddb3f09fce024b3a58502ae3f"},
  };
  for (int i = 0; i < 3; ++i) {
    const auto message = sides[i % 2].write(unhex(messages[i].payload));
    REQUIRE(message.has_value());
    CHECK(hex(*message) == messages[i].ciphertext);
    const auto payload = sides[1 - i % 2].read(*message);
    REQUIRE(payload.has_value());
    CHECK(hex(*payload) == messages[i].payload);
  }
  CHECK(hex(sides[0].hash()) == "c8e5f64e846193be2a834104c2a009868d6c9f3bd3c186299888b488b2f1f58e");
  CHECK(sides[1].hash() == sides[0].hash());
  CHECK(sides[1].their_static() == sides[0].our_static());

  auto ours = sides[0].split(), theirs = sides[1].split();
  Encryptor encryptors[] = {Encryptor(std::move(ours.from_initiator)), Encryptor(std::move(theirs.from_responder))};
  Decryptor decryptors[] = {Decryptor(std::move(theirs.from_initiator)), Decryptor(std::move(ours.from_responder))};
  for (int i = 3; i < 6; ++i) {
    const ByteVector frame = sealed(encryptors[i % 2], unhex(messages[i].payload));
    CHECK(hex(Bytes(frame).subspan(kLengthSize)) == messages[i].ciphertext);
    Bytes in = frame;
    const auto plaintext = decryptors[i % 2].receive(in);
    REQUIRE((plaintext && *plaintext));
    CHECK(hex(**plaintext) == messages[i].payload);
  }
}

TEST_CASE("noise: each side learns who the other is, however bytes arrive") {
  for (std::size_t step = 1; step < 300; ++step) {
    const Pair pair =
        connect(initiator(identity(2).public_key().peer_id()), responder(identity(1).public_key().peer_id()), step);
    CHECK(pair.initiator.remote_key == identity(2).public_key());
    CHECK(pair.initiator.remote == identity(2).public_key().peer_id());
    CHECK(pair.responder.remote == identity(1).public_key().peer_id());
    CHECK(pair.initiator.hash == pair.responder.hash);
  }
}

TEST_CASE("noise: keys of all types") {
  for (const auto& mine : libp2p::testing::kKeyVectors) {
    for (const auto& yours : libp2p::testing::kKeyVectors) {
      const auto a = PrivateKey::from_protobuf(unhex(mine.private_key));
      const auto b = PrivateKey::from_protobuf(unhex(yours.private_key));
      REQUIRE((a && b));
      const Pair pair = connect(start({Role::initiator, b->public_key().peer_id()}, *a, 1),
                                start({Role::responder, std::nullopt}, *b, 2));
      CHECK(pair.initiator.remote_key == b->public_key());
      CHECK(pair.responder.remote_key == a->public_key());
    }
  }
}

TEST_CASE("noise: one static key for many handshakes") {
  SeededRandom random(5);
  const auto a = StaticKey::make(identity(1), random), b = StaticKey::make(identity(2), random);
  REQUIRE((a && b));
  std::vector<crypto::Digest> hashes;
  for (int i = 0; i < 3; ++i) {
    Pair pair = connect(*Handshake::start({Role::initiator, {}}, *a, random),
                        *Handshake::start({Role::responder, {}}, *b, random));
    CHECK(pair.initiator.remote == identity(2).public_key().peer_id());
    CHECK(pair.responder.remote == identity(1).public_key().peer_id());
    CHECK(std::ranges::find(hashes, pair.initiator.hash) == hashes.end());
    hashes.push_back(pair.initiator.hash);
  }
}

TEST_CASE("noise: an initiator that defers knows the responder before its last message") {
  for (const std::size_t step : {std::size_t{1}, std::size_t{100'000}}) {
    Handshake a = start({Role::initiator, identity(2).public_key().peer_id(), true}, identity(1), 1);
    Handshake b = responder();
    REQUIRE(give(b, a.take_output(), step).has_value());
    ByteVector answer = b.take_output();
    answer.push_back(0xAA);  // which belongs to the channel
    Bytes in = answer;
    for (std::size_t left = in.size() - 1; left > 0;) {
      CHECK_FALSE(a.proven());
      Bytes part = in.first(std::min(step, left));
      left -= part.size();
      in = in.subspan(part.size());
      REQUIRE(a.receive(part).has_value());
    }
    REQUIRE(a.proven());
    REQUIRE(a.receive(in).has_value());
    CHECK(in.size() == 1);
    CHECK_FALSE(a.done());
    CHECK(a.take_output().empty());
    a.conclude();
    REQUIRE(a.done());
    REQUIRE(give(b, a.take_output(), step).has_value());
    REQUIRE(b.done());
    CHECK(std::move(a).finish().hash == std::move(b).finish().hash);
  }
  Handshake a = start({Role::initiator, identity(3).public_key().peer_id(), true}, identity(1), 1);
  Handshake b = responder();
  REQUIRE(give(b, a.take_output()).has_value());
  CHECK(kind_of(give(a, b.take_output())) == Kind::wrong_peer);
  CHECK_FALSE(a.proven());
}

TEST_CASE("noise: what follows the handshake is left for the channel") {
  Handshake a = initiator(), b = responder();
  REQUIRE(give(b, a.take_output()).has_value());
  REQUIRE(give(a, b.take_output()).has_value());
  ByteVector bytes = a.take_output();
  Channel channel = std::move(a).finish();
  REQUIRE(channel.encryptor.encrypt(as_bytes("early"), bytes).has_value());
  Bytes in = bytes;
  REQUIRE(b.receive(in).has_value());
  CHECK(in.size() == kLengthSize + 5 + kTagSize);
  const auto plaintext = std::move(b).finish().decryptor.receive(in);
  REQUIRE((plaintext && *plaintext));
  CHECK(as_text(**plaintext) == "early");
}

TEST_CASE("noise: a handshake changed at any byte fails") {
  // Of the first message a change shows only in what follows it.
  for (int wrong = 0; wrong < 3; ++wrong) {
    for (std::size_t at = kLengthSize;; ++at) {
      Handshake sides[] = {initiator(), responder()};
      std::optional<Kind> kind;
      bool was_changed = false;
      for (int i = 0; i < 3 && !kind; ++i) {
        ByteVector message = sides[i % 2].take_output();
        if (i == wrong && at < message.size()) {
          message[at] ^= static_cast<std::uint8_t>(1 << at % 7);  // the highest bit of a public key does not count
          was_changed = true;
        }
        kind = kind_of(give(sides[1 - i % 2], message));
      }
      if (!was_changed) break;
      CHECK(kind == Kind::not_authentic);
    }
  }
}

TEST_CASE("noise: a handshake message of any other length fails or waits") {
  for (int wrong = 0; wrong < 3; ++wrong) {
    for (std::size_t size = 0; size < 400; ++size) {
      Handshake sides[] = {initiator(), responder()};
      std::optional<Kind> kind;
      std::size_t right_size = 0;
      for (int i = 0; i < 3 && !kind; ++i) {
        ByteVector message = sides[i % 2].take_output();
        if (i == wrong) {
          right_size = message.size() - kLengthSize;
          message.erase(message.begin(), message.begin() + kLengthSize);
          message.resize(size);
          ByteVector frame;
          append_frame(frame, message);
          message = frame;
        }
        kind = kind_of(give(sides[1 - i % 2], message));
      }
      if (size == right_size) {
        CHECK(kind == std::nullopt);
      } else {
        CHECK((kind == Kind::too_short || kind == Kind::not_authentic));
      }
    }
  }
}

TEST_CASE("noise: bytes that end early leave a handshake waiting") {
  Handshake a = initiator();
  const ByteVector hello = a.take_output();
  for (std::size_t size = 0; size < hello.size(); ++size) {
    Handshake b = responder();
    REQUIRE(give(b, Bytes(hello).first(size)).has_value());
    CHECK_FALSE(b.done());
    CHECK(b.take_output().empty());
  }
}

TEST_CASE("noise: errors are for ever") {
  Handshake b = responder();
  ByteVector frame;
  append_frame(frame, ByteVector(31));
  CHECK(kind_of(give(b, frame)) == Kind::too_short);
  CHECK(kind_of(give(b, initiator().take_output())) == Kind::too_short);
  CHECK(b.take_output().empty());
}

TEST_CASE("noise: points of small order are refused") {
  ByteVector frame;
  append_frame(frame, ByteVector(32));
  Handshake b = responder();
  CHECK(kind_of(give(b, frame)) == Kind::bad_key);
}

TEST_CASE("noise: another peer than the expected one") {
  const PeerId other = identity(3).public_key().peer_id();
  Handshake a = initiator(other), b = responder();
  REQUIRE(give(b, a.take_output()).has_value());
  const auto result = give(a, b.take_output());
  CHECK(kind_of(result) == Kind::wrong_peer);
  CHECK(result.error().text() == "noise: the peer is " + identity(2).public_key().peer_id().to_base58());
  CHECK_FALSE(a.done());
  CHECK(a.take_output().empty());  // it has not said who it is

  Handshake c = initiator(), d = responder(other);
  REQUIRE(give(d, c.take_output()).has_value());
  REQUIRE(give(c, d.take_output()).has_value());
  CHECK(kind_of(give(d, c.take_output())) == Kind::wrong_peer);
  CHECK_FALSE(d.done());
}

TEST_CASE("noise: payloads") {
  const auto good = [](const crypto::X25519Public& fixed) { return *make_payload(identity(2), fixed); };
  CHECK(answer_with(good).has_value());
  CHECK(answer_with([&](const auto& fixed) {
          ByteVector payload = good(fixed);
          for (const char byte : std::string_view("\x22\x03\x12\x01m\x28\x07"))
            payload.push_back(static_cast<std::uint8_t>(byte));
          return payload;  // with extensions, and a field that nobody knows
        }).has_value());
  CHECK(kind_of(answer_with([](const auto&) { return ByteVector(); })) == Kind::bad_payload);
  CHECK(kind_of(answer_with([](const auto&) { return ByteVector(40, 0xFF); })) == Kind::bad_payload);
  CHECK(kind_of(answer_with([&](const auto& fixed) {
          ByteVector payload = good(fixed);
          payload[3] = 9;  // no type of a key
          return payload;
        })) == Kind::bad_payload);
  CHECK(kind_of(answer_with([&](auto fixed) {
          fixed[0] ^= 1;
          return good(fixed);  // for another static key
        })) == Kind::bad_signature);
  CHECK(kind_of(answer_with([&](const auto& fixed) {
          ByteVector payload = good(fixed);
          payload.back() ^= 1;
          return payload;
        })) == Kind::bad_signature);
}

TEST_CASE("noise: a payload cut or changed anywhere proves nothing") {
  SeededRandom random(1);
  const crypto::X25519Public fixed = X25519Key::generate(random).public_key();
  for (const auto& vector : libp2p::testing::kKeyVectors) {
    const auto key = PrivateKey::from_protobuf(unhex(vector.private_key));
    REQUIRE(key.has_value());
    const ByteVector payload = *make_payload(*key, fixed);
    REQUIRE(check_payload(payload, fixed).has_value());
    for (std::size_t at = 0; at < payload.size(); ++at) {
      CHECK_FALSE(check_payload(Bytes(payload).first(at), fixed).has_value());
      ByteVector changed = payload;
      changed[at] ^= 0x41;
      const auto checked = check_payload(changed, fixed);
      CHECK_FALSE((checked && *checked == key->public_key()));
    }
  }
}

TEST_CASE("noise: messages of all sizes") {
  Pair pair = connect();
  ByteVector all(kMaxPlaintext);
  SeededRandom(7).fill(all);
  std::size_t size = 0;
  while (size <= kMaxPlaintext) {
    const ByteVector frame = sealed(pair.initiator.encryptor, Bytes(all).first(size));
    REQUIRE(frame.size() == kLengthSize + size + kTagSize);
    Bytes in = frame;
    const auto plaintext = pair.responder.decryptor.receive(in);
    REQUIRE((plaintext && *plaintext && in.empty()));
    REQUIRE(**plaintext == ByteVector(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size)));
    size += size < 300 || size >= kMaxPlaintext - 3 ? 1 : std::min<std::size_t>(997, kMaxPlaintext - 3 - size);
  }
}

TEST_CASE("noise: what is larger than a message goes into several") {
  Pair pair = connect();
  const ByteVector frames = sealed(pair.responder.encryptor, ByteVector(2 * kMaxPlaintext + 1, 'x'));
  CHECK(frames.size() == 2 * kMaxPlaintext + 1 + 3 * (kLengthSize + kTagSize));
  Bytes in = frames;
  for (const std::size_t size : {kMaxPlaintext, kMaxPlaintext, std::size_t{1}}) {
    const auto plaintext = pair.initiator.decryptor.receive(in);
    REQUIRE((plaintext && *plaintext));
    CHECK(**plaintext == ByteVector(size, 'x'));
  }
  CHECK(in.empty());
}

TEST_CASE("noise: messages split at every boundary") {
  Pair pair = connect();
  for (std::size_t cut = 0; cut <= 40; ++cut) {
    ByteVector frames = sealed(pair.initiator.encryptor, as_bytes("ab"));
    REQUIRE(pair.initiator.encryptor.encrypt(as_bytes("cd"), frames).has_value());
    REQUIRE(frames.size() == 40);
    std::string text;
    for (Bytes part : {Bytes(frames).first(cut), Bytes(frames).subspan(cut)}) {
      for (;;) {
        const auto plaintext = pair.responder.decryptor.receive(part);
        REQUIRE(plaintext.has_value());
        if (!*plaintext) break;
        text += as_text(**plaintext);
      }
      CHECK(part.empty());
      CHECK(pair.responder.decryptor.between_messages() == (text.size() == 4 || cut % 20 == 0));
    }
    CHECK(text == "abcd");
    CHECK(pair.responder.decryptor.between_messages());
  }
}

TEST_CASE("noise: a message changed, cut, repeated, out of order or sent back ends the channel") {
  const auto refuses = [](Decryptor& decryptor, Bytes in) {
    const auto first = kind_of(decryptor.receive(in));
    CHECK(kind_of(decryptor.receive(in)) == first);
    return first;
  };
  constexpr std::size_t kSize = kLengthSize + 7 + kTagSize;
  for (std::size_t at = kLengthSize; at < kSize; ++at) {
    Pair pair = connect();
    ByteVector frame = sealed(pair.initiator.encryptor, as_bytes("message"));
    frame[at] ^= 0x80;
    CHECK(refuses(pair.responder.decryptor, frame) == Kind::not_authentic);
    Pair other = connect();
    frame = sealed(other.initiator.encryptor, as_bytes("message"));
    ByteVector cut;
    append_frame(cut, Bytes(frame).subspan(kLengthSize, at - kLengthSize));
    CHECK(refuses(other.responder.decryptor, cut) ==
          (at - kLengthSize < kTagSize ? Kind::too_short : Kind::not_authentic));
  }
  Pair pair = connect();
  const ByteVector first = sealed(pair.initiator.encryptor, as_bytes("1"));
  Bytes in = first;
  REQUIRE(pair.responder.decryptor.receive(in).has_value());
  CHECK(refuses(pair.responder.decryptor, first) == Kind::not_authentic);
  CHECK(refuses(pair.initiator.decryptor, first) == Kind::not_authentic);
  Pair another = connect();
  (void)sealed(another.initiator.encryptor, as_bytes("1"));
  CHECK(refuses(another.responder.decryptor, sealed(another.initiator.encryptor, as_bytes("2"))) ==
        Kind::not_authentic);
}

TEST_CASE("noise: numbers of messages are used up, not used again") {
  const ByteVector key(32, 1);
  const std::uint64_t last = std::numeric_limits<std::uint64_t>::max() - 1;
  Encryptor encryptor{CipherState(key, last)};
  Decryptor decryptor{CipherState(key, last)};
  const ByteVector frame = sealed(encryptor, as_bytes("last"));
  Bytes in = frame;
  REQUIRE(decryptor.receive(in).has_value());
  ByteVector out = {1};
  CHECK(kind_of(encryptor.encrypt(as_bytes("more"), out)) == Kind::exhausted);
  CHECK(out == ByteVector{1});
  in = frame;
  CHECK(kind_of(decryptor.receive(in)) == Kind::exhausted);
}
