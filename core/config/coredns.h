// CoreDNS's directives that swage does not have, for whoever brings a Corefile from there. docs/coredns.md says the
// same at length; a test compares the two.
#pragma once

#include <span>
#include <string_view>

namespace swage::config {

struct Absent {
  std::string_view directive;
  std::string_view hint;  // what to do instead, or why not
};

// Those of the plugins that come with CoreDNS, and some well-known external ones.
[[nodiscard]] std::span<const Absent> absent_directives();

// nullptr: not one of them.
[[nodiscard]] const Absent* find_absent(std::string_view directive);

}  // namespace swage::config
