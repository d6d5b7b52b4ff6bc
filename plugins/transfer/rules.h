// Who gets which zones: what the directive says. In every process.
#pragma once

#include <vector>

#include "core/dns/name.h"
#include "core/dns/query.h"
#include "core/net.h"

namespace swage::plugins::transfer {

// One occurrence of the directive.
struct Rule {
  std::vector<dns::Name> zones;         // lower case
  bool everybody = false;               // to *
  std::vector<Prefix> networks{};       // addresses, too
  std::vector<Endpoint> secondaries{};  // addresses, with the port for NOTIFY
  std::vector<dns::Name> keys{};        // lower case; one of them must have signed; none: nobody need

  // Whether the client may have zones.
  [[nodiscard]] bool allows(const dns::Query& query) const;
};

// The rule with the longest zone that `apex` is in, the first of several; nullptr where there is none.
[[nodiscard]] const Rule* rule_for(const std::vector<Rule>& rules, dns::NameView apex);

}  // namespace swage::plugins::transfer
