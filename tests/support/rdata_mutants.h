// Records that are nearly right: forms of rdata.yaml with one thing changed.
#pragma once

#include <string>
#include <vector>

namespace swage::tests {

// `count` records, "MX 10 a.": half of them text with a word or a letter changed, half of them the right bytes in the
// form of RFC 3597 with one of them changed, added or taken away. The same for the same seed.
[[nodiscard]] std::vector<std::string> rdata_mutants(unsigned count, unsigned seed);

}  // namespace swage::tests
