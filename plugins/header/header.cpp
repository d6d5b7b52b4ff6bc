#include "plugins/header/header.h"

#include "core/text.h"

namespace swage::plugins::header {

// Of a query's flags only RD means anything to the plugins after it, and comes back in the response.
Result<Outcome> Header::serve(const Query& query, Response& response, Next next) const {
  Result<Outcome> outcome = Outcome::send;
  if (query_.recursion_desired.value_or(query.recursion_desired) == query.recursion_desired) {
    outcome = next(query, response);
  } else {
    changed_ = query;
    changed_.recursion_desired = !query.recursion_desired;
    outcome = next(changed_, response);
    response.recursion_desired = changed_.recursion_desired;
  }
  if (response_.authoritative) response.authoritative = *response_.authoritative;
  if (response_.recursion_available) response.recursion_available = *response_.recursion_available;
  if (response_.recursion_desired) response.recursion_desired = response_.recursion_desired;
  return outcome;
}

namespace {

// SELECTOR, which was read, ACTION FLAGS...
Result<> read_rule(Controller& controller, Flags& query, Flags& response) {
  const bool of_query = equal_without_case(controller.val(), "query");
  if (!of_query && !equal_without_case(controller.val(), "response")) {
    return controller.fail("'{}' is neither 'query' nor 'response'", controller.val());
  }
  TRY(controller.expect_arg("'set' or 'clear'"));
  const bool set = equal_without_case(controller.val(), "set");
  if (!set && !equal_without_case(controller.val(), "clear")) {
    return controller.fail("'{}' is neither 'set' nor 'clear'", controller.val());
  }
  TRY(controller.expect_arg("a flag: aa, ra or rd"));
  Flags& flags = of_query ? query : response;
  do {
    const std::string& flag = controller.val();
    if (equal_without_case(flag, "aa")) {
      flags.authoritative = set;
    } else if (equal_without_case(flag, "ra")) {
      flags.recursion_available = set;
    } else if (equal_without_case(flag, "rd")) {
      flags.recursion_desired = set;
    } else {
      return controller.fail("'{}' is not a flag that can be set; expected aa, ra or rd", flag);
    }
  } while (controller.next_arg());
  return {};
}

}  // namespace

// header { SELECTOR ACTION FLAGS... }
Result<> setup(Controller& controller) {
  Flags query, response;
  while (controller.next()) {
    bool empty = true;
    TRY(controller.read_lines([&] {
      empty = false;
      return read_rule(controller, query, response);
    }));
    if (empty) {
      return controller.fail("expected a block with rules such as 'response set ra'");
    }
  }
  controller.add(std::make_unique<const Header>(query, response));
  return {};
}

}  // namespace swage::plugins::header
