// What a peer ID label means, read the slow and general way: the reference for PeerId::from_label, for the unit test
// and the fuzzer.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/libp2p/multibase.h"
#include "core/libp2p/peer_id.h"

namespace swage::tests {

using ByteVector = std::vector<std::uint8_t>;

// The unsigned varint at the start of `bytes`, which it is taken from. Only the shortest form counts.
inline std::optional<std::uint64_t> take_varint(Bytes& bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size() && i < 9; ++i) {
    value |= static_cast<std::uint64_t>(bytes[i] & 0x7F) << (7 * i);
    if (bytes[i] >= 0x80) continue;
    if (i > 0 && bytes[i] == 0) return std::nullopt;
    bytes = bytes.subspan(i + 1);
    return value;
  }
  return std::nullopt;
}

// message PublicKey { required KeyType Type = 1; required bytes Data = 2; }
inline bool is_public_key(Bytes protobuf) {
  constexpr std::uint64_t kType = 1 << 3 | 0, kData = 2 << 3 | 2, kEd25519 = 1, kSecp256k1 = 2;
  if (take_varint(protobuf) != kType) return false;
  const auto type = take_varint(protobuf);
  if (take_varint(protobuf) != kData) return false;
  const auto size = take_varint(protobuf);
  if (size != protobuf.size()) return false;
  if (type == kEd25519) return protobuf.size() == 32;
  return type == kSecp256k1 && protobuf.size() == 33 && (protobuf[0] == 2 || protobuf[0] == 3);
}

inline bool is_peer_multihash(Bytes multihash) {
  const auto function = take_varint(multihash);
  const auto size = take_varint(multihash);
  if (size != multihash.size()) return false;
  return function == 0x12 ? multihash.size() == 32 : function == 0 && is_public_key(multihash);
}

// The multihash, or nullopt if the label is not a valid peer ID.
inline std::optional<ByteVector> naive_peer_id(std::string_view label) {
  using libp2p::multibase::Base;
  if (label.empty() || label.size() > 63 || (label[0] != 'k' && label[0] != 'b')) return std::nullopt;
  const auto cid = libp2p::multibase::decode(label[0] == 'k' ? Base::base36 : Base::base32, label.substr(1));
  if (!cid) return std::nullopt;
  Bytes rest = *cid;
  if (take_varint(rest) != 1U || take_varint(rest) != 0x72U || !is_peer_multihash(rest)) return std::nullopt;
  return ByteVector(rest.begin(), rest.end());
}

// CHECKs that PeerId agrees with the reference, and that all its forms lead back to it. Returns whether it is one.
inline bool check_peer_id_label(std::string_view label) {
  const auto expected = naive_peer_id(label);
  const auto id = libp2p::PeerId::from_label(as_bytes(label));
  CHECK(id.has_value() == expected.has_value());
  if (!id) return false;
  CHECK(std::ranges::equal(id->multihash(), *expected));
  CHECK(libp2p::PeerId::from_label(as_bytes(id->to_base36())) == *id);
  CHECK(libp2p::PeerId::from_base58(id->to_base58()) == *id);
  CHECK(libp2p::PeerId::from_multihash(*expected) == *id);
  return true;
}

// The label in a base of a CIDv1 with codec libp2p-key.
inline std::string label_of(libp2p::multibase::Base base, Bytes multihash) {
  ByteVector cid = {0x01, 0x72};
  cid.insert(cid.end(), multihash.begin(), multihash.end());
  return static_cast<char>(base) + libp2p::multibase::encode(base, cid);
}

// An input of the fuzzer: 00 or 01 and the bytes of a multihash, whose label in base36 or base32 it checks (what a
// mutation of a label would hardly ever reach); else a label as it is.
inline void check_peer_id_input(Bytes input) {
  using libp2p::multibase::Base;
  if (input.empty() || input[0] > 1) return static_cast<void>(check_peer_id_label(as_text(input)));
  const Bytes multihash = input.subspan(1, std::min<std::size_t>(input.size() - 1, 64));
  check_peer_id_label(label_of(input[0] == 0 ? Base::base36 : Base::base32, multihash));
  const auto id = libp2p::PeerId::from_multihash(multihash);
  CHECK(id.has_value() == is_peer_multihash(multihash));
  CHECK(!id || check_peer_id_label(id->to_base36()));
}

}  // namespace swage::tests
