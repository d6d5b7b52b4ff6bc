#include "core/acme/challenge_key.h"

#include <algorithm>

#include "core/crypto/hash.h"

namespace swage::acme {

ChallengeKey challenge_key(Bytes name) {
  const crypto::Digest digest = crypto::sha256({as_bytes("swage: ACME challenges of "), name});
  ChallengeKey key{0x12, crypto::kDigestSize};
  std::ranges::copy(digest, key.begin() + 2);
  return key;
}

}  // namespace swage::acme
