#include "plugins/minimal/minimal.h"

#include <algorithm>

namespace swage::plugins::minimal {
namespace {

using dns::Record;
using dns::Type;

bool has(const std::vector<Record>& records, Type type) {
  return std::ranges::any_of(records, [type](const Record& record) { return record.type == type; });
}

// True for an answer; false for a delegation, where the authority section is what was asked for, a denial, whose SOA
// says how long it is valid (RFC 2308 section 5), and errors.
bool can_be_minimal(const Response& response) {
  if (response.rcode != dns::Rcode::noerror || has(response.authority, Type::soa)) return false;
  return !response.answer.empty() || !has(response.authority, Type::ns);
}

// NSEC, NSEC3 and their signatures. Beside an answer they prove that it comes from a wildcard rightly (RFC 4035 section
// 3.1.3.3): a validator takes it for forged without them.
bool is_proof(const Record& record) {
  Type type = record.type;
  if (type == Type::rrsig && record.rdata.size() >= 2) type = Type{load_u16(record.rdata.data())};
  return type == Type::nsec || type == Type::nsec3;
}

}  // namespace

Result<Outcome> Minimal::serve(const Query& query, Response& response, Next next) const {
  TRY(const Outcome outcome, next(query, response));
  if (outcome != Outcome::send || !can_be_minimal(response)) return outcome;
  std::erase_if(response.authority, [](const Record& record) { return !is_proof(record); });
  response.additional.clear();
  return outcome;
}

Result<> setup(Controller& controller) {
  controller.once();
  controller.add(std::make_unique<const Minimal>());
  return {};
}

}  // namespace swage::plugins::minimal
