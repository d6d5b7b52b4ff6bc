// base64 and base64url (RFC 4648, sections 4 and 5). In time that does not depend on the bytes: for secrets too. Any
// process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"

namespace swage::crypto {

// With padding.
[[nodiscard]] std::string to_base64(Bytes bytes);
[[nodiscard]] std::string to_base64url(Bytes bytes);

// With padding, base64url also without; nothing else but its 64 characters, no bits left over.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);
[[nodiscard]] std::optional<std::vector<std::uint8_t>> from_base64url(std::string_view text);

}  // namespace swage::crypto
