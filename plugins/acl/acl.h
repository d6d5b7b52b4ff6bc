// acl: which queries are answered, by the client's address and the type that is asked for. In every dns process.
#pragma once

#include <optional>
#include <vector>

#include "core/dns/zones.h"
#include "core/plugin/plugin.h"
#include "core/plugin/server_label.h"
#include "core/prefix_set.h"

namespace swage::plugins::acl {

enum class Action : std::uint8_t {
  allow,   // goes on to the next plugin
  block,   // REFUSED
  filter,  // NOERROR, without records
  drop,    // nothing is sent
};

// A line of a directive's block.
struct Policy {
  Action action;
  std::optional<std::vector<dns::Type>> types;  // none: all
  std::optional<PrefixSet> nets;                // none: all

  [[nodiscard]] bool matches(const Query& query) const;
};

// The counters of some zones, under CoreDNS's names: one for each server and zone.
struct Tables {
  metrics::Counters blocked, filtered, dropped;

  // REQUIRES: not allow.
  [[nodiscard]] const metrics::Counters& of(Action action) const;
};

// Where the queries for a zone are counted: in that column of Rule::tables[table].
struct Place {
  std::size_t table = 0, column = 0;
};

// A directive: for names in one of the zones the first policy that matches is in force.
struct Rule {
  // Asks for the counters, too. `names` are lower case.
  Rule(Controller& controller, const ServerLabel& servers, const std::vector<dns::Name>& names);

  dns::ZoneTable<Place> zones;
  std::vector<Tables> tables;
  std::vector<Policy> policies;
};

class Acl : public Plugin {
 public:
  Acl(Controller& controller, ServerLabel servers, std::vector<Rule> rules);
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
  [[nodiscard]] bool sees(dns::MessageKind) const override { return true; }

 private:
  // What becomes of the query, which is counted.
  [[nodiscard]] Action action(const Query& query) const;

  ServerLabel servers_;
  std::vector<Rule> rules_;
  metrics::Counters allowed_;  // by server
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::acl
