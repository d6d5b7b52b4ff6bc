#include "plugins/acl/acl.h"

#include <algorithm>
#include <unordered_map>

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

// The longest of the rule's zones that the name is in; nullptr: none.
const dns::Name* zone_of(const Rule& rule, const Query& query) {
  const dns::Name* longest = nullptr;
  for (const dns::Name& zone : rule.zones) {
    if (!query.key.view().is_under(zone)) continue;
    if (longest == nullptr || zone.size() > longest->size()) longest = &zone;
  }
  return longest;
}

}  // namespace

Measures::Measures(Controller& controller, const std::vector<Rule>& rules) : servers_(controller.listeners()) {
  std::vector<std::string> names;
  std::unordered_map<std::string, std::size_t> places;
  for (const Rule& rule : rules) {
    for (const dns::Name& zone : rule.zones) {
      const auto [known, is_new] = places.try_emplace(zone.to_string(), names.size());
      if (is_new) names.push_back(known->first);
      zones_.emplace_back(&zone, known->second);
    }
  }
  metrics::Registry& registry = controller.metrics();
  const metrics::Labels view = {{"view", controller.view_name()}};
  const auto counters = [&](const char* name, const char* help) {
    return registry.counters(name, help, view, {{"server", servers_.names()}, {"zone", names}});
  };
  allowed_ = registry.counters("coredns_acl_allowed_requests_total", "Counter of DNS requests being allowed.", view,
                               {{"server", servers_.names()}});
  blocked_ = counters("coredns_acl_blocked_requests_total", "Counter of DNS requests being blocked.");
  filtered_ = counters("coredns_acl_filtered_requests_total", "Counter of DNS requests being filtered.");
  dropped_ = counters("coredns_acl_dropped_requests_total", "Counter of DNS requests being dropped.");
}

void Measures::count(const Query& query, Action action, const dns::Name* zone) const {
  const std::size_t server = servers_.names().size() == 1 ? 0 : servers_.index_of(query);
  if (server == servers_.names().size()) return;
  if (action == Action::allow) return allowed_.at(server).add();
  const auto found = std::ranges::find(zones_, zone, &std::pair<const dns::Name*, std::size_t>::first);
  const metrics::Counters& counters = action == Action::block    ? blocked_
                                      : action == Action::filter ? filtered_
                                                                 : dropped_;
  counters.at(server, found->second).add();
}

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
    const dns::Name* const zone = zone_of(rule, query);
    if (zone == nullptr) continue;
    const auto policy = std::ranges::find_if(rule.policies, [&](const Policy& each) { return each.matches(query); });
    if (policy == rule.policies.end()) continue;
    measures_.count(query, policy->action, zone);
    return policy->action;
  }
  measures_.count(query, Action::allow, nullptr);
  return Action::allow;
}

}  // namespace swage::plugins::acl
