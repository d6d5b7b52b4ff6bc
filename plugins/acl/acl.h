// acl: which queries are answered, by the client's address and the type that is asked for. In every dns process.
#pragma once

#include <optional>
#include <vector>

#include "core/plugin.h"
#include "core/server_label.h"
#include "plugins/acl/prefix_set.h"

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

// A directive: for names in one of the zones the first policy that matches is in force.
struct Rule {
  std::vector<dns::Name> zones;  // lower case
  std::vector<Policy> policies;
};

// What is counted, under CoreDNS's names.
class Measures {
 public:
  // The zones of `rules`, and where the server block listens.
  Measures(Controller& controller, const std::vector<Rule>& rules);
  // `zone`: of the rule whose policy matched; of queries that are allowed, any.
  void count(const Query& query, Action action, const dns::Name* zone) const;

 private:
  ServerLabel servers_;
  std::vector<std::pair<const dns::Name*, std::size_t>> zones_;  // of rules; their places in the label
  metrics::Counters allowed_, blocked_, filtered_, dropped_;
};

class Acl : public Plugin {
 public:
  Acl(Controller& controller, std::vector<Rule> rules) : rules_(std::move(rules)), measures_(controller, rules_) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  [[nodiscard]] Action action(const Query& query) const;

  std::vector<Rule> rules_;
  Measures measures_;  // behind rules_
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::acl
