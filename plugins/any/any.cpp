#include "plugins/any/any.h"

#include <algorithm>
#include <array>

namespace swage::plugins::any {

using namespace std::string_view_literals;

using dns::Record;
using dns::Type;

namespace {

// The RRset that a record belongs to, as a signature or itself.
Type rrset_of(const Record& record) {
  const bool is_signature = record.type == Type::rrsig && record.rdata.size() >= 2;
  return is_signature ? static_cast<Type>(load_u16(record.rdata.data())) : record.type;
}

// The smallest RRset of an answer, with its signatures; of the first 16 that are not NSEC.
Type smallest(const std::vector<Record>& answer) {
  struct Size {
    Type type;
    std::size_t bytes;
  };
  std::array<Size, 16> sizes{};
  std::size_t used = 0;
  for (const Record& record : answer) {
    const Type type = rrset_of(record);
    const auto end = sizes.begin() + static_cast<std::ptrdiff_t>(used);
    const auto found = std::find_if(sizes.begin(), end, [type](const Size& each) { return each.type == type; });
    if (found != end) {
      found->bytes += record.rdata.size();
    } else if (type != Type::nsec && used < sizes.size()) {
      sizes[used++] = {type, record.rdata.size()};
    }
  }
  const auto end = sizes.begin() + static_cast<std::ptrdiff_t>(used);
  const auto least =
      std::min_element(sizes.begin(), end, [](const Size& a, const Size& b) { return a.bytes < b.bytes; });
  return least == end ? Type::nsec : least->type;
}

// Whether the plugins after this have said something that a validator can make use of: what a zone here has, or where
// a zone below it is. What other nameservers have said is not.
bool is_of_zone(const Response& response) {
  if (response.origin.port != 0 || response.rcode == dns::Rcode::refused) return false;
  return response.authoritative || !response.authority.empty();
}

void keep_one_rrset(const Query& query, Response& response) {
  const auto is_elsewhere = [&](const Record& record) { return record.owner != query.qname; };
  if (response.answer.empty() || std::ranges::any_of(response.answer, is_elsewhere)) return;  // none, or a DNAME's
  const Type kept = smallest(response.answer);
  std::erase_if(response.answer, [kept](const Record& record) { return rrset_of(record) != kept; });
  response.additional.clear();
}

}  // namespace

Result<Outcome> Any::serve(const Query& query, Response& response, Next next) const {
  static constexpr auto kData =
      "\x0d"
      "ANY obsoleted"
      "\x0c"
      "See RFC 8482"sv;  // two character-strings
  if (query.qtype != Type::any) return next(query, response);
  if (query.edns.dnssec_ok) {
    TRY(const Outcome outcome, next(query, response));
    if (outcome == Outcome::drop) return outcome;
    if (outcome == Outcome::send && is_of_zone(response)) {
      keep_one_rrset(query, response);
      return outcome;
    }
    response.clear_answer();
  }
  response.rcode = dns::Rcode::noerror;
  response.answer.push_back(
      {.owner = query.qname, .type = Type::hinfo, .rclass = query.qclass, .ttl = 8482, .rdata = as_bytes(kData)});
  return Outcome::send;
}

Result<> setup(Controller& controller) {
  controller.once();
  controller.add(std::make_unique<const Any>());
  return {};
}

}  // namespace swage::plugins::any
