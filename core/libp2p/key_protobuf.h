// The protobuf messages PublicKey and PrivateKey, which are alike
// (https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md, "Keys"):
//
//     required KeyType Type = 1;   08 | 0 RSA, 1 Ed25519, 2 secp256k1, 3 ECDSA
//     required bytes   Data = 2;   12 | size as varint | the key
//
// Only the syntax: what Data must be is key.h's. No I/O, any process.
#pragma once

#include <cstdint>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::libp2p {

enum class KeyType : std::uint8_t { rsa = 0, ed25519 = 1, secp256k1 = 2, ecdsa = 3 };

struct KeyMessage {
  KeyType type;
  Bytes data;  // lies in the message
};

// Reads what any protobuf reader would (go-libp2p's does): fields in any order, the last of each, unknown ones skipped.
[[nodiscard]] Result<KeyMessage> read_key_message(Bytes message);

// The bytes before `data` in the one form that libp2p writes, in which a key has one peer ID.
struct KeyHead {
  std::uint8_t bytes[6];
  std::size_t size;
};
// REQUIRES: data_size < 2^21.
[[nodiscard]] KeyHead key_head(KeyType type, std::size_t data_size);

}  // namespace swage::libp2p
