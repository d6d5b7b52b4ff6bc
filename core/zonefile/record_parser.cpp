#include "core/zonefile/record_parser.h"

#include <span>

#include "core/dns/rdata_check.h"
#include "core/dns/record_types.h"
#include "core/text.h"
#include "core/zonefile/fields.h"
#include "core/zonefile/rdata.h"

namespace swage::zonefile {
namespace {

constexpr std::uint32_t kDefaultTtl = 3600;  // seconds

}  // namespace

Result<> RecordParser::parse(std::string_view text) {
  const auto done = read(text);
  if (!done) return fail("{}", done.error().text);
  return {};
}

OrFault<> RecordParser::read(std::string_view text) {
  Lexer lexer(text);
  TRY(const bool has_entry, lexer.next(entry_));
  if (!has_entry) return fault(1, "expected a record, not nothing");
  TRY(const bool has_more, lexer.next(rest_));
  if (has_more) return fault(1, "more than one record");
  std::span<const Token> tokens = entry_.tokens;
  TRY(owner_size_, parse_name(tokens.front(), dns::NameView(), owner_.data()));
  tokens = tokens.subspan(1);
  ttl_ = kDefaultTtl;
  rclass_ = dns::Class::in;
  for (bool has_ttl = false, has_class = false; !tokens.empty(); tokens = tokens.subspan(1)) {
    const std::string_view word = tokens.front().text;
    if (!has_ttl && !word.empty() && is_digit(word[0])) {
      TRY(ttl_, parse_ttl(tokens.front()));
      if (ttl_ > kMaxTtl) return fault(1, "'{}' is more than {} seconds", word, kMaxTtl);
      has_ttl = true;
    } else if (!has_class &&
               (equal_without_case(word, "IN") || equal_without_case(word, "CH") || equal_without_case(word, "HS"))) {
      rclass_ = equal_without_case(word, "IN")   ? dns::Class::in
                : equal_without_case(word, "CH") ? dns::Class::ch
                                                 : dns::Class::hs;
      has_class = true;
    } else {
      break;
    }
  }
  if (tokens.empty()) return fault(1, "a record without a type");
  const auto type = dns::parse_type(tokens.front().text);
  if (!type) return fault(1, "{}", type.error().text());
  type_ = *type;
  if (dns::is_meta_type(type_)) return fault(1, "no record has the type {}", tokens.front().text);
  RdataText rdata(type_, tokens.subspan(1), 1, dns::NameView(), rdata_);
  TRY(parse_rdata(rdata));
  const auto doubt = dns::check_rdata(type_, rdata_);
  if (!doubt) return fault(1, "{}", doubt.error().text());
  doubt_ = *doubt;
  return {};
}

}  // namespace swage::zonefile
