// ldns as an independent opinion of signed messages (RFC 8945). In tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/bytes.h"

namespace swage::tests {

struct TsigPeersKey {
  std::string name;    // "key.example."
  std::string secret;  // base64
};

// A request, or a response's first message; or what follows that.
enum class TsigPart : std::uint8_t { first, later };

// Whether the message is signed with that key, now. `prior`: the MAC of the request, or of the message before.
[[nodiscard]] bool ldns_verifies(Bytes message, const TsigPeersKey& key, Bytes prior, TsigPart part);

// `message` as a signed request. `algorithm`: "hmac-sha256.".
[[nodiscard]] std::vector<std::uint8_t> ldns_signs(Bytes message, const TsigPeersKey& key, const char* algorithm);

}  // namespace swage::tests
