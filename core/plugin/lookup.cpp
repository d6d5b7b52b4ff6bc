#include "core/plugin/lookup.h"

#include <algorithm>
#include <optional>
#include <ranges>

namespace swage {
namespace {

using dns::Rcode;
using dns::Record;
using dns::Type;
using Section = std::vector<Record>;

void copy(const Section& from, Section& to, dns::Arena& arena) {
  for (Record record : from) {
    record.owner = arena.copy(record.owner);
    record.rdata = arena.copy(record.rdata);
    to.push_back(record);
  }
}

// Where the answer ends with one; its signatures come after it.
std::optional<dns::NameView> alias_at_end(const Response& response) {
  const auto from_the_end = std::views::reverse(response.answer);
  const auto last = std::ranges::find_if(from_the_end, [](const Record& each) { return each.type != Type::rrsig; });
  if (last == from_the_end.end() || last->type != Type::cname) return std::nullopt;
  return dns::NameView(last->rdata.data(), last->rdata.size());
}

bool asks_for_alias(const Query& query) { return query.qtype == Type::cname || query.qtype == Type::any; }

}  // namespace

Result<Outcome> follow_alias(const Query& query, Response& response) {
  const std::optional<dns::NameView> target = alias_at_end(response);
  if (!target || query.lookup == nullptr || asks_for_alias(query)) return Outcome::send;
  const Response* found = nullptr;
  TRY(const Outcome outcome, query.lookup->ask(query, *target, response, found));
  if (outcome != Outcome::send) return outcome;
  const bool denies = found->rcode == Rcode::nxdomain || (found->rcode == Rcode::noerror && found->answer.empty());
  if (found->rcode == Rcode::nxdomain || found->rcode == Rcode::servfail) response.rcode = found->rcode;
  copy(found->answer, response.answer, response.arena);
  if (denies) copy(found->authority, response.authority, response.arena);
  return Outcome::send;
}

Result<Outcome> follow_alias_out_of(dns::NameView zone, const Query& query, Response& response) {
  const std::optional<dns::NameView> target = alias_at_end(response);
  return target && !target->is_under(zone) ? follow_alias(query, response) : Outcome::send;
}

}  // namespace swage
