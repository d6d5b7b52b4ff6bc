// acl: which queries are answered, by the client's address and the type that is asked for. In every dns process.
#pragma once

#include <optional>
#include <vector>

#include "core/plugin.h"
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

class Acl : public Plugin {
 public:
  explicit Acl(std::vector<Rule> rules) : rules_(std::move(rules)) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  [[nodiscard]] Action action(const Query& query) const;

  std::vector<Rule> rules_;
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::acl
