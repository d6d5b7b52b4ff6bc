// The headers of libp2p's HTTP authentication (https://github.com/libp2p/specs/blob/master/http/peer-id-auth.md) as
// text:
//
//     libp2p-PeerID name="value", name="value", …
//
// and the bytes that its signatures are over. What the parameters mean is peer_id_auth.h's. No I/O, any process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::libp2p {

inline constexpr std::string_view kAuthScheme = "libp2p-PeerID";
// Bytes. What a server writes stays within the 2048 that the specification suggests, whoever the client is. What it
// reads may be more: the answer to a challenge holds the client's key and its signature, with RSA of 8192 bits 3 KB
// together.
inline constexpr std::size_t kMaxAuthHeader = 4096;

// The parameters of a header, without their quotes; they lie in it.
struct AuthParams {
  std::optional<std::string_view> bearer, challenge_client, challenge_server, expires, opaque, public_key, sig;
};

// Whether a header is of this scheme, whatever follows. Upper and lower case are alike (RFC 9110, section 11.1).
[[nodiscard]] bool has_auth_scheme(std::string_view header);

// Parameters in any order, between them commas or spaces, as the specification's own examples have both; unknown ones
// are skipped. Values are in quotes and hold printable ASCII without quotes and backslashes. A parameter that comes
// twice, or a header of more than kMaxAuthHeader, is an Error. REQUIRES: has_auth_scheme(header).
[[nodiscard]] Result<AuthParams> parse_auth_params(std::string_view header);

// Writes a header.
class AuthHeader {
 public:
  AuthHeader() {
    text_.reserve(512);
    text_ = kAuthScheme;
  }
  // REQUIRES: a value without quotes and backslashes.
  AuthHeader& add(std::string_view name, std::string_view value);
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// What the client signs, and what the server does. Keys are their protobufs.
[[nodiscard]] std::vector<std::uint8_t> client_signed_bytes(std::string_view challenge_client,
                                                            std::string_view hostname, Bytes server_key);
[[nodiscard]] std::vector<std::uint8_t> server_signed_bytes(std::string_view challenge_server, Bytes client_key,
                                                            std::string_view hostname);

}  // namespace swage::libp2p
