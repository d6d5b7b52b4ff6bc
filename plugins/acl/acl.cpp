#include "plugins/acl/acl.h"

#include <algorithm>

namespace swage::plugins::acl {
namespace {

// Extended DNS Errors (RFC 8914 sections 2 and 4): an option whose data are a code and, if one likes, a text.
constexpr std::uint16_t kOptionExtendedError = 15;
constexpr std::uint8_t kBlocked[2] = {0, 15};
constexpr std::uint8_t kFiltered[2] = {0, 17};

Result<Outcome> answer(Response& response, dns::Rcode rcode, Bytes extended_error) {
  response.rcode = rcode;
  response.options.push_back({kOptionExtendedError, extended_error});
  return Outcome::send;
}

}  // namespace

bool Policy::matches(const Query& query) const {
  return (!types || std::ranges::find(*types, query.qtype) != types->end()) &&
         (!nets || nets->contains(query.client.address));
}

Result<Outcome> Acl::serve(const Query& query, Response& response, Next next) const {
  switch (action(query)) {
    case Action::allow:
      break;
    case Action::block:
      return answer(response, dns::Rcode::refused, kBlocked);
    case Action::filter:
      return answer(response, dns::Rcode::noerror, kFiltered);
    case Action::drop:
      return Outcome::drop;
  }
  return next(query, response);
}

Action Acl::action(const Query& query) const {
  for (const Rule& rule : rules_) {
    if (std::ranges::none_of(rule.zones, [&](const dns::Name& zone) { return query.key.view().is_under(zone); })) {
      continue;
    }
    for (const Policy& policy : rule.policies) {
      if (policy.matches(query)) return policy.action;
    }
  }
  return Action::allow;
}

}  // namespace swage::plugins::acl
