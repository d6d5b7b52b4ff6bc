// The payload of libp2p's Noise handshake (https://github.com/libp2p/specs/blob/master/noise/README.md, "The libp2p
// Handshake Payload"): with it the identity key of a peer vouches for its static Noise key. No I/O, any process.
//
//     optional bytes identity_key = 1;          the PublicKey message
//     optional bytes identity_sig = 2;          over "noise-libp2p-static-key:" | the static public key
//     optional NoiseExtensions extensions = 4;  not read, not written
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/x25519.h"
#include "core/libp2p/key.h"
#include "core/libp2p/noise_symmetric.h"

namespace swage::libp2p::noise {

// Fails where the identity key cannot sign.
[[nodiscard]] NoiseResult<std::vector<std::uint8_t>> make_payload(const PrivateKey& identity,
                                                                  const crypto::X25519Public& fixed);

// Whose static key it is, proven. Unknown fields are skipped, of each the last counts.
[[nodiscard]] NoiseResult<PublicKey> check_payload(Bytes payload, const crypto::X25519Public& fixed);

}  // namespace swage::libp2p::noise
