#include "core/libp2p/key.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/crypto/hash.h"
#include "core/crypto/random.h"
#include "core/crypto/secret.h"

namespace swage::libp2p {
namespace {

using crypto::Ed25519Key;
using crypto::Ed25519Public;
using crypto::EvpPrivateKey;
using crypto::EvpPublicKey;
using crypto::kEd25519Size;
using crypto::kSecp256k1Size;

using namespace std::chrono_literals;

// Bytes of the Data, which is PKIX for RSA and ECDSA.
constexpr std::size_t kRsa2048Size = 256, kRsa4096Size = 576, kRsa8192Size = 1100;
constexpr std::size_t kP224Size = 80, kP256Size = 91, kP384Size = 120, kP521Size = 158;

Result<> check_size(KeyType type, std::size_t size) {
  switch (type) {
    case KeyType::ed25519:
      if (size != kEd25519Size) return fail("an Ed25519 key has {} bytes, not {}", kEd25519Size, size);
      return {};
    case KeyType::secp256k1:
      if (size != kSecp256k1Size) return fail("a secp256k1 key has {} bytes, not {}", kSecp256k1Size, size);
      return {};
    case KeyType::rsa:
      if (size < kRsa2048Size || size > kRsa8192Size)
        return fail("an RSA key of {} bytes: it has 2048 to 8192 bits", size);
      return {};
    case KeyType::ecdsa:
      break;
  }
  const bool known = size == kP224Size || size == kP256Size || size == kP384Size || size == kP521Size;
  if (!known) return fail("an ECDSA key of {} bytes is not on a NIST curve", size);
  return {};
}

std::vector<std::uint8_t> with_head(KeyType type, Bytes data) {
  const KeyHead head = key_head(type, data.size());
  std::vector<std::uint8_t> message;
  message.reserve(head.size + data.size());
  message.assign(head.bytes, head.bytes + head.size);
  message.insert(message.end(), data.begin(), data.end());
  return message;
}

PublicKey public_of(const Ed25519Key& key) { return PublicKey::from_data(KeyType::ed25519, key.public_key()).value(); }

PublicKey public_of(KeyType type, const EvpPrivateKey& key) {
  return PublicKey::from_data(type, type == KeyType::secp256k1 ? key.public_point() : key.public_pkix()).value();
}

}  // namespace

Result<PublicKey> PublicKey::from_protobuf(Bytes message) {
  TRY(const KeyMessage key, read_key_message(message));
  return from_data(key.type, key.data);
}

Result<PublicKey> PublicKey::from_data(KeyType type, Bytes data) {
  if (type == KeyType::ed25519) {
    if (data.size() != kEd25519Size) return fail("an Ed25519 key has {} bytes, not {}", kEd25519Size, data.size());
    Ed25519Public key;
    std::ranges::copy(data, key.begin());
    return PublicKey(type, data, key);
  }
  TRY(auto key, type == KeyType::rsa     ? EvpPublicKey::rsa(data)
                : type == KeyType::ecdsa ? EvpPublicKey::ecdsa(data)
                                         : EvpPublicKey::secp256k1(data));
  return PublicKey(type, data, std::move(key));
}

std::vector<std::uint8_t> PublicKey::to_protobuf() const { return with_head(type_, data_); }

PeerId PublicKey::peer_id() const {
  constexpr std::size_t kMaxIdentity = 42;
  constexpr std::uint8_t kIdentity = 0x00, kSha256 = 0x12;
  const std::vector<std::uint8_t> message = to_protobuf();
  const bool is_short = message.size() <= kMaxIdentity;
  const crypto::Digest digest = is_short ? crypto::Digest{} : crypto::sha256(message);
  const Bytes hash = is_short ? Bytes(message) : Bytes(digest);
  std::array<std::uint8_t, 2 + kMaxIdentity> multihash = {is_short ? kIdentity : kSha256,
                                                          static_cast<std::uint8_t>(hash.size())};
  std::ranges::copy(hash, multihash.begin() + 2);
  return PeerId::from_multihash(Bytes(multihash).first(2 + hash.size())).value();
}

bool PublicKey::verify(Bytes message, Bytes signature) const {
  if (const auto* const ed25519 = std::get_if<Ed25519Public>(&key_)) {
    return crypto::ed25519_verify(*ed25519, message, signature);
  }
  return std::get<EvpPublicKey>(key_).verify(message, signature);
}

Result<std::vector<std::uint8_t>> canonical_public_key(Bytes message) {
  TRY(const KeyMessage key, read_key_message(message));
  TRY(check_size(key.type, key.data.size()));
  return with_head(key.type, key.data);
}

std::chrono::microseconds verification_cost(Bytes canonical) {
  const KeyMessage key = read_key_message(canonical).value();
  const std::size_t size = key.data.size();
  switch (key.type) {
    case KeyType::ed25519:
      return 75us;
    case KeyType::rsa:
      return size < kRsa4096Size ? 300us : 600us;
    case KeyType::secp256k1:
      return 600us;
    case KeyType::ecdsa:
      break;
  }
  return size <= kP256Size ? 200us : 900us;
}

PrivateKey::PrivateKey(Ed25519Key key) : key_(std::move(key)), public_(public_of(std::get<Ed25519Key>(key_))) {}

PrivateKey::PrivateKey(KeyType type, EvpPrivateKey key)
    : key_(std::move(key)), public_(public_of(type, std::get<EvpPrivateKey>(key_))) {}

PrivateKey PrivateKey::generate(KeyType type) {
  switch (type) {
    case KeyType::rsa:
      return PrivateKey(type, EvpPrivateKey::generate_rsa());
    case KeyType::ecdsa:
      return PrivateKey(type, EvpPrivateKey::generate_ecdsa());
    case KeyType::secp256k1:
      return PrivateKey(type, EvpPrivateKey::generate_secp256k1());
    case KeyType::ed25519:
      break;
  }
  crypto::Secret seed(kEd25519Size);
  crypto::SystemRandom().fill(seed.bytes());
  return from_seed(seed.bytes());
}

PrivateKey PrivateKey::from_seed(Bytes seed) { return PrivateKey(Ed25519Key::from_seed(seed)); }

Result<PrivateKey> PrivateKey::from_ed25519(Bytes data) {
  if (data.size() != kEd25519Size && data.size() != 2 * kEd25519Size && data.size() != 3 * kEd25519Size) {
    return fail("an Ed25519 private key has 32, 64 or 96 bytes, not {}", data.size());
  }
  PrivateKey key = from_seed(data.first(kEd25519Size));
  // Signing with the public key of another seed would tell the private key.
  for (Bytes rest = data.subspan(kEd25519Size); !rest.empty(); rest = rest.subspan(kEd25519Size)) {
    if (!crypto::equal(rest.first(kEd25519Size), key.public_.data())) {
      return fail("the Ed25519 private key is not that of its public key");
    }
  }
  return key;
}

Result<PrivateKey> PrivateKey::from_protobuf(Bytes message) {
  TRY(const KeyMessage key, read_key_message(message));
  if (key.type == KeyType::ed25519) return from_ed25519(key.data);
  TRY(auto evp, key.type == KeyType::rsa     ? EvpPrivateKey::rsa(key.data)
                : key.type == KeyType::ecdsa ? EvpPrivateKey::ecdsa(key.data)
                                             : EvpPrivateKey::secp256k1(key.data));
  return PrivateKey(key.type, std::move(evp));
}

crypto::Secret PrivateKey::to_protobuf() const {
  crypto::Secret derived;  // what holds the bytes where `key_` does not
  Bytes data;
  if (const auto* const ed25519 = std::get_if<Ed25519Key>(&key_)) {
    data = ed25519->bytes();
  } else {
    const auto& key = std::get<EvpPrivateKey>(key_);
    derived = public_.type() == KeyType::secp256k1 ? key.scalar() : key.to_der();
    data = derived.bytes();
  }
  const KeyHead head = key_head(public_.type(), data.size());
  crypto::Secret message(head.size + data.size());
  std::ranges::copy(data, std::copy_n(head.bytes, head.size, message.bytes().begin()));
  return message;
}

Result<std::vector<std::uint8_t>> PrivateKey::sign(Bytes message) const {
  if (const auto* const ed25519 = std::get_if<Ed25519Key>(&key_)) {
    const auto signature = ed25519->sign(message);
    return std::vector<std::uint8_t>(signature.begin(), signature.end());
  }
  return std::get<EvpPrivateKey>(key_).sign(message);
}

}  // namespace swage::libp2p
