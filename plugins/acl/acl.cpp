#include "plugins/acl/acl.h"

#include <algorithm>

namespace swage::plugins::acl {
namespace {

Result<Outcome> answer(Response& response, dns::Rcode rcode, dns::ExtendedError why) {
  response.rcode = rcode;
  add_extended_error(response, why);
  return Outcome::send;
}

// The names of so many zones, and of hundreds of servers, find room in one record of the memory of metrics.
constexpr std::size_t kZonesOfTable = 32;

Tables make_tables(Controller& controller, const ServerLabel& servers, const std::vector<std::string>& zones) {
  const metrics::Labels view = {{"view", controller.block().view}};
  const auto counters = [&](const char* name, const char* help) {
    return controller.metrics().counters(name, help, view, {{"server", servers.names()}, {"zone", zones}});
  };
  return {counters("coredns_acl_blocked_requests_total", "Counter of DNS requests being blocked."),
          counters("coredns_acl_filtered_requests_total", "Counter of DNS requests being filtered."),
          counters("coredns_acl_dropped_requests_total", "Counter of DNS requests being dropped.")};
}

}  // namespace

const metrics::Counters& Tables::of(Action action) const {
  return action == Action::block ? blocked : action == Action::filter ? filtered : dropped;
}

Rule::Rule(Controller& controller, const ServerLabel& servers, const std::vector<dns::Name>& names) {
  std::vector<std::string> counted;
  const auto count = [&] {
    if (!counted.empty()) tables.push_back(make_tables(controller, servers, counted));
    counted.clear();
  };
  for (const dns::Name& name : names) {
    if (!zones.add(name, {tables.size(), counted.size()})) continue;
    counted.push_back(name.to_string());
    if (counted.size() == kZonesOfTable) count();
  }
  count();
}

bool Policy::matches(const Query& query) const {
  return (!types || std::ranges::find(*types, query.qtype) != types->end()) &&
         (!nets || nets->contains(query.client.address));
}

Acl::Acl(Controller& controller, ServerLabel servers, std::vector<Rule> rules)
    : servers_(std::move(servers)),
      rules_(std::move(rules)),
      allowed_(controller.metrics().counters("coredns_acl_allowed_requests_total",
                                             "Counter of DNS requests being allowed.",
                                             {{"view", controller.block().view}}, {{"server", servers_.names()}})) {}

Result<Outcome> Acl::serve(const Query& query, Response& response, Next next) const {
  switch (action(query)) {
    case Action::allow:
      break;
    case Action::block:
      return answer(response, dns::Rcode::refused, dns::ExtendedError::blocked);
    case Action::filter:
      return answer(response, dns::Rcode::noerror, dns::ExtendedError::filtered);
    case Action::drop:
      return Outcome::drop;
  }
  return next(query, response);
}

Action Acl::action(const Query& query) const {
  const std::size_t server = servers_.names().size() == 1 ? 0 : servers_.index_of(query);
  for (const Rule& rule : rules_) {
    const Place* const zone = rule.zones.find(query);
    if (zone == nullptr) continue;
    const auto policy = std::ranges::find_if(rule.policies, [&](const Policy& each) { return each.matches(query); });
    if (policy == rule.policies.end()) continue;
    if (policy->action == Action::allow) break;
    rule.tables[zone->table].of(policy->action).at(server, zone->column).add();
    return policy->action;
  }
  allowed_.at(server).add();
  return Action::allow;
}

}  // namespace swage::plugins::acl
