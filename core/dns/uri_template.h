// The value of dohpath: a path that is a URI template (RFC 6570) with the variable "dns" (RFC 9461 section 5). Internal
// to core/dns.
#pragma once

#include <string_view>

namespace swage::dns {

[[nodiscard]] bool is_utf8(std::string_view text);
[[nodiscard]] bool is_doh_path(std::string_view path);

}  // namespace swage::dns
