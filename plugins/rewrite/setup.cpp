// Reads the directive: rewrite [continue|stop] FIELD ARGUMENTS..., on one line or with the rule in a block.
#include <algorithm>
#include <iterator>

#include "core/text.h"
#include "plugins/rewrite/rules.h"

namespace swage::plugins::rewrite {
namespace {

NewRule make_rule(Controller& controller, Words words) {
  bool stops = true;
  if (!words.empty() && (equal_without_case(words[0], "continue") || equal_without_case(words[0], "stop"))) {
    stops = equal_without_case(words[0], "stop");
    words = words.subspan(1);
  }
  if (words.empty()) return fail("a rule begins with name, type, class, cname, edns0, ttl or rcode");
  const std::string& field = words[0];
  const Words rest = words.subspan(1);
  if (equal_without_case(field, "name")) return make_name_rule(stops, rest);
  if (equal_without_case(field, "type")) return make_type_rule(stops, rest);
  if (equal_without_case(field, "cname")) return make_cname_rule(stops, rest);
  if (equal_without_case(field, "edns0")) return make_edns0_rule(stops, rest);
  if (equal_without_case(field, "ttl")) return make_ttl_rule(stops, rest);
  if (equal_without_case(field, "rcode")) return make_rcode_rule(stops, rest);
  if (equal_without_case(field, "class")) {
    if (!rest.empty() && equal_without_case(rest[0], "CH")) controller.block().accepts_chaos = true;
    return make_class_rule(stops, rest);
  }
  if (equal_without_case(field, "answer")) return fail("response rewrites begin with a name rule");
  return fail("expected name, type, class, cname, edns0, ttl or rcode, not '{}'", field);
}

}  // namespace

Result<> setup(Controller& controller) {
  std::vector<std::unique_ptr<const Rule>> rules;
  while (controller.next()) {
    const config::Token directive = controller.token();
    std::vector<std::string> words = controller.remaining_args();
    if (words.size() < 2) {
      while (controller.next_block()) {
        words.push_back(controller.val());
        std::ranges::move(controller.remaining_args(), std::back_inserter(words));
      }
    }
    NewRule rule = make_rule(controller, words);
    if (!rule) return controller.fail_at(directive, "{}", rule.error().text());
    rules.push_back(*std::move(rule));
  }
  controller.add(std::unique_ptr<const Plugin>(std::make_unique<const Rewrite>(std::move(rules))));
  return {};
}

}  // namespace swage::plugins::rewrite
