// The encodings of binary data in zone files: hexadecimal, base32hex and base64 (RFC 4648).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"

namespace swage::dns {

// Each decodes all of `text`, in pieces of a whole where that was written with spaces between, and appends to `to` (or
// fills it: the text must give just so many bytes). False where `text` is malformed.
[[nodiscard]] bool decode_hex(std::string_view text, std::vector<std::uint8_t>& to);
[[nodiscard]] bool decode_base32hex(std::string_view text, MutableBytes to);  // no padding, any case
[[nodiscard]] bool decode_base64(std::string_view text, std::vector<std::uint8_t>& to);

// Each appends the text of all of `bytes`.
void encode_hex(Bytes bytes, std::string& text);        // upper case
void encode_base32hex(Bytes bytes, std::string& text);  // lower case, no padding
void encode_base64(Bytes bytes, std::string& text);     // with padding

}  // namespace swage::dns
