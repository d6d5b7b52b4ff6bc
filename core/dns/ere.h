// Whether a text is an extended regular expression of POSIX (IEEE 1003.1 section 9.4), without compiling it: what a
// NAPTR record holds goes to resolvers, not to a matcher of ours. Internal to core/dns.
#pragma once

#include <string_view>

namespace swage::dns {

// How many groups it has; -1 where it is malformed: a group or a bracket that is not closed, nothing to repeat, bounds
// out of order or over 255, a back reference to no group.
[[nodiscard]] int ere_groups(std::string_view text);

}  // namespace swage::dns
