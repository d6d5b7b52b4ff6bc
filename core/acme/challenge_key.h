// Where the store of challenges (core/forge/challenge_store.h) has those of a name that is no peer's: the nameserver's
// own. Pure function; any process.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"

namespace swage::acme {

// A multihash of SHA-256, as of peers, so that every kind of store takes it: of a text that no public key's protobuf
// begins with, so no peer can have it. `name`: on the wire, in lower case.
using ChallengeKey = std::array<std::uint8_t, 34>;
[[nodiscard]] ChallengeKey challenge_key(Bytes name);

}  // namespace swage::acme
