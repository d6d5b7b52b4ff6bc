// The body of a registration: {"value": "…", "addresses": ["…", …]}. From bytes to a value or to what to tell the
// client; no I/O.
//
// As upstream reads it: keys without regard to (ASCII) case, in any order, unknown ones refused; null is as good as
// nothing; what follows the object is ignored. Unlike upstream a key that comes twice is refused, and so are bits of
// the value that its 32 bytes do not have: no client sends those.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace swage::plugins::broker {

struct RegistrationBody {
  std::string value;                   // 32 bytes as unpadded base64url (RFC 8555 section 8.4)
  std::vector<std::string> addresses;  // any texts
};

// The error is a short text for the client, which holds nothing of the body. Never throws; memory and time are linear
// in the body.
[[nodiscard]] std::expected<RegistrationBody, std::string_view> parse_registration_body(std::string_view text);

}  // namespace swage::plugins::broker
