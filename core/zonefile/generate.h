// $GENERATE (BIND 9): one entry of a zone file that stands for many. Internal to core/zonefile; in the service process.
#pragma once

#include <cstdint>
#include <string>

#include "core/zonefile/lexer.h"

namespace swage::zonefile {

// START-STOP[/STEP].
struct GenerateRange {
  std::uint32_t start = 0;
  std::uint32_t stop = 0;
  std::uint32_t step = 1;
};

// At most kMaxGenerated steps.
inline constexpr std::uint32_t kMaxGenerated = 1'000'000;
[[nodiscard]] OrFault<GenerateRange> parse_range(const Token& token);

// Appends the token with each $, ${OFFSET}, ${OFFSET,WIDTH} and ${OFFSET,WIDTH,BASE} replaced by `value`; $$ is one $,
// and \$ stays as it is. BASE is one of d o x X n N; n is hexadecimal digits from right to left with dots, for
// ip6.arpa. Negative numbers are decimal with a sign, else 32 bits. Quotes around the token stay, unless it is
// `all_data` of a record: its text is read once more then, and \" in it is a quote.
[[nodiscard]] OrFault<> append_generated(const Token& token, std::uint32_t value, bool all_data, std::string& to);

}  // namespace swage::zonefile
