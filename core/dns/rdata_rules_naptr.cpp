// NAPTR: RFC 3403 section 4.1 and the substitution expressions of RFC 3402 section 3.2.
#include <algorithm>
#include <string>

#include "core/dns/ere.h"
#include "core/dns/rdata_rules.h"
#include "core/text.h"

namespace swage::dns {
namespace {

std::string_view string_at(Bytes rdata, std::size_t at) { return as_text(rdata.subspan(at + 1, rdata[at])); }

// The end of what the delimiter at text[0] begins: its next occurrence that no backslash takes away.
std::size_t end_of_part(std::string_view text) {
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == text[0]) return at;
    if (text[at] == '\\') ++at;
  }
  return std::string_view::npos;
}

// The highest group that the replacement refers to; -1 where a backslash has no meaning.
int highest_reference(std::string_view replacement) {
  int highest = 0;
  for (std::size_t at = 0; at < replacement.size(); ++at) {
    if (replacement[at] != '\\') continue;
    if (++at == replacement.size() || replacement[at] == '0') return -1;
    if (replacement[at] >= '1' && replacement[at] <= '9') highest = std::max(highest, replacement[at] - '0');
  }
  return highest;
}

// delimiter ERE delimiter replacement delimiter flags; nullptr where it is one.
const char* fault_of_substitution(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return "a byte of 0";
  if (is_digit(text[0]) || text[0] == '\\' || text[0] == 'i') return "not a valid delimiter";
  const std::size_t middle = end_of_part(text);
  if (middle == std::string_view::npos) return "expected three delimiters";
  const std::string_view tail = text.substr(middle);
  const std::size_t end = end_of_part(tail);
  if (end == std::string_view::npos) return "expected three delimiters";
  if (!std::ranges::all_of(tail.substr(end + 1), [](char c) { return c == 'i'; })) return "unknown flag";
  const int groups = ere_groups(text.substr(1, middle - 1));
  if (groups < 0) return "not an extended regular expression";
  const int highest = highest_reference(tail.substr(1, end - 1));
  if (highest < 0 || highest > groups) return "the replacement refers to a group that is not there";
  return nullptr;
}

}  // namespace

Result<std::string_view> check_naptr(Bytes rdata) {
  const std::size_t services = 5U + rdata[4];
  const std::size_t regexp = services + 1 + rdata[services];
  const std::string_view substitution = string_at(rdata, regexp);
  const bool good_flags = std::ranges::all_of(string_at(rdata, 4), is_letter_or_digit);
  constexpr std::string_view kFlags = "flags: not of letters and digits alone";
  if (substitution.empty()) return good_flags ? "" : kFlags;
  if (const char* fault = fault_of_substitution(substitution)) return fail("regexp: {}", fault);
  const bool has_replacement = rdata[regexp + 1 + substitution.size()] != 0;
  if (has_replacement) return "replacement: there is a regexp too, so the record is ignored";
  return good_flags ? "" : kFlags;
}

}  // namespace swage::dns
