// Reads the directive: acl [ZONES...] { ACTION [type QTYPE...] [net SOURCE...] }
#include "core/text.h"
#include "plugins/acl/acl.h"

namespace swage::plugins::acl {
namespace {

Result<Action> read_action(const Controller& controller) {
  const std::string& word = controller.val();
  if (equal_without_case(word, "allow")) return Action::allow;
  if (equal_without_case(word, "block")) return Action::block;
  if (equal_without_case(word, "filter")) return Action::filter;
  if (equal_without_case(word, "drop")) return Action::drop;
  return controller.fail("'{}' is not an action; expected allow, block, filter or drop", word);
}

// What the words after 'type' or 'net' add up to.
template <typename T>
struct Section {
  std::vector<T> values;
  bool given = false, all = false;
  bool closed = false;  // a section of the other kind follows it

  [[nodiscard]] bool restricts() const { return given && !all; }
};

Result<> read(const Controller& controller, Section<dns::Type>& types) {
  TRY(const dns::Type type, dns::parse_type(controller.val()));
  types.values.push_back(type);
  return {};
}

Result<> read(const Controller& controller, Section<Prefix>& nets) {
  const auto net = Prefix::parse(controller.val());
  if (!net) return controller.fail("'{}' is neither an address nor a network", controller.val());
  nets.values.push_back(*net);
  return {};
}

// The words up to the next section's name, to which it moves. True where there is one.
template <typename T>
Result<bool> read_section(Controller& controller, Section<T>& section) {
  const std::string name = controller.val();
  if (section.given && section.closed) {
    return controller.fail(
        "'{}' once more: the line is one rule, for all of its types from all of its networks; expected a line each",
        name);
  }
  section.given = true;
  for (bool empty = true; controller.next_arg(); empty = false) {
    const std::string& word = controller.val();
    if (equal_without_case(word, "type") || equal_without_case(word, "net")) {
      if (empty) return controller.fail("expected a value between '{}' and '{}'", name, word);
      return true;
    }
    if (word == "*") {
      section.all = true;
    } else {
      TRY(read(controller, section));
    }
  }
  if (equal_without_case(controller.val(), name.c_str())) return controller.fail("expected a value after '{}'", name);
  return false;
}

Result<Policy> read_policy(Controller& controller) {
  TRY(const Action action, read_action(controller));
  Section<dns::Type> types;
  Section<Prefix> nets;
  for (bool more = controller.next_arg(); more;) {
    if (equal_without_case(controller.val(), "type")) {
      TRY(more, read_section(controller, types));
      nets.closed = nets.given;
    } else if (equal_without_case(controller.val(), "net")) {
      TRY(more, read_section(controller, nets));
      types.closed = types.given;
    } else {
      return controller.fail("'{}' is neither 'type' nor 'net'", controller.val());
    }
  }
  Policy policy{action, {}, {}};
  if (types.restricts()) policy.types = std::move(types.values);
  if (nets.restricts()) policy.nets.emplace(std::move(nets.values));
  return policy;
}

}  // namespace

Result<> setup(Controller& controller) {
  ServerLabel servers(controller.block().listeners());
  std::vector<Rule> rules;
  while (controller.next()) {
    TRY(const std::vector<dns::Name> zones, controller.remaining_zones());
    Rule rule(controller, servers, zones);
    TRY(controller.read_lines([&]() -> Result<> {
      TRY(Policy policy, read_policy(controller));
      rule.policies.push_back(std::move(policy));
      return {};
    }));
    rules.push_back(std::move(rule));
  }
  controller.add(std::make_unique<const Acl>(controller, std::move(servers), std::move(rules)));
  return {};
}

}  // namespace swage::plugins::acl
