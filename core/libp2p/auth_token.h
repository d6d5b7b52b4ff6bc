// Tokens that a server hands to a client and gets back, so that it need not remember: sealed, not encrypted. Each is
//
//     HMAC-SHA256 (32) | kind (1) | created (8: milliseconds since 1970, big-endian) | content
//
// as base64url. The HMAC is over the name of the service, a zero byte and what follows it in the token. So a token is
// good for one service and one kind of use, for anyone who has the key. No I/O, any process.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/secret.h"
#include "core/result.h"

namespace swage::libp2p {

using AuthTime = std::chrono::sys_time<std::chrono::milliseconds>;

struct AuthToken {
  enum class Kind : std::uint8_t {
    server_initiated = 1,  // a challenge; content: its 32 bytes
    client_initiated = 2,  // the same; content: its 32 bytes and the client's key as protobuf, which it does not send
                           // again: 36 bytes, with RSA of 8192 bits 1070
    bearer = 3,            // content: the client's peer ID as multihash
  };
  Kind kind;
  AuthTime created;
  std::vector<std::uint8_t> content;
};

// Seals and opens the tokens of one service.
class AuthSealer {
 public:
  // REQUIRES: a service without a zero byte; both outlive the sealer.
  AuthSealer(Bytes key, std::string_view service) : key_(key), service_(service) {}

  [[nodiscard]] std::string seal(const AuthToken& token) const;
  // Fails for all that seal() did not write with this key and service, and where it is older than its kind may be (5
  // minutes; a bearer 1 hour) or from more than a minute ahead. An invalid token fails like a foreign one.
  [[nodiscard]] Result<AuthToken> open(std::string_view text, AuthTime now) const;

 private:
  Bytes key_;  // secret
  std::string_view service_;
};

inline constexpr std::chrono::minutes kChallengeLife{5};
inline constexpr std::chrono::hours kBearerLife{1};
inline constexpr std::chrono::minutes kMaxClockSkew{1};  // between two instances

}  // namespace swage::libp2p
