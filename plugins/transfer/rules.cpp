#include "plugins/transfer/rules.h"

#include <algorithm>

namespace swage::plugins::transfer {

bool Rule::allows(const dns::Query& query) const {
  const auto signed_with = [&](const dns::Name& key) { return key == query.tsig_key; };
  if (!keys.empty() && std::ranges::none_of(keys, signed_with)) return false;
  const auto holds = [&](const Prefix& network) { return network.contains(query.client.address); };
  return everybody || std::ranges::any_of(networks, holds);
}

const Rule* rule_for(const std::vector<Rule>& rules, dns::NameView apex) {
  const Rule* best = nullptr;
  std::size_t longest = 0;
  for (const Rule& rule : rules) {
    for (const dns::Name& zone : rule.zones) {
      if (zone.size() <= longest || !apex.is_under(zone)) continue;
      best = &rule;
      longest = zone.size();
    }
  }
  return best;
}

}  // namespace swage::plugins::transfer
