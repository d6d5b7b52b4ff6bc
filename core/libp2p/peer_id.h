// PeerId: who a libp2p node is (https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md), as a value.
// No I/O, any process; from_label() runs for every query of a dns process.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::libp2p {

// The multihash of a public key, one of
//
//     12 20 | 32 bytes                          SHA-256 of the key's protobuf (RSA, ECDSA)          34 bytes
//     00 24 | 08 01 12 20 | 32 bytes            the protobuf of an Ed25519 key itself               38 bytes
//     00 25 | 08 02 12 21 | 02 or 03, 32 bytes  the protobuf of a secp256k1 key itself, compressed  39 bytes
//
// Nothing else is a PeerId: other hash functions, other lengths, identity multihashes that hold no canonical key of
// these types. Whether the bytes are a point on the curve is not looked at.
class PeerId {
 public:
  static constexpr std::size_t kMaxSize = 42;  // bytes of a multihash; what the forms above leave is room

  PeerId() = default;  // nobody's: an empty multihash
  // From a label of a domain name: multibase base36 ("k…") or base32 ("b…"), CIDv1, codec libp2p-key (0x72), multihash.
  // REQUIRES: lower-case, as in Query::key; upper case is not a digit. Only what the encoder writes is accepted: no
  // trailing bytes, no leading zeros, no stray bits. Allocates nothing; takes 20 to 30 ns more for a peer
  // ID than for a label of another length (core_libp2p_test "[bench]").
  [[nodiscard]] static std::optional<PeerId> from_label(Bytes lower_case_label);
  // From the bare multihash.
  [[nodiscard]] static Result<PeerId> from_multihash(Bytes multihash);
  // From the multihash in base58btc without a prefix: "12D3KooW…", "Qm…", "16Uiu2…".
  [[nodiscard]] static Result<PeerId> from_base58(std::string_view text);

  [[nodiscard]] Bytes multihash() const { return {bytes_.data(), size_}; }
  [[nodiscard]] std::string to_base36() const;  // the label: "k51qzi5uqu5d…"
  [[nodiscard]] std::string to_base58() const;  // "12D3KooW…"

  bool operator==(const PeerId&) const = default;

 private:
  struct Cid;
  static std::optional<PeerId> from_cid(const Cid& cid);

  std::uint8_t size_ = 0;
  std::array<std::uint8_t, kMaxSize> bytes_{};  // 0 after the multihash
};

}  // namespace swage::libp2p

// Not keyed: for tables whose keys are peers that proved who they are, or few.
template <>
struct std::hash<swage::libp2p::PeerId> {
  std::size_t operator()(const swage::libp2p::PeerId& id) const {
    return std::hash<std::string_view>()(swage::as_text(id.multihash()));
  }
};
