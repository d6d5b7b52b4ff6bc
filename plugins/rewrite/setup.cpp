// Reads the directive: rewrite [continue|stop] FIELD ARGUMENTS..., on one line or with the rule in a block.
#include <strings.h>

#include "plugins/rewrite/rules.h"

namespace swage::plugins::rewrite {
namespace {

bool is(const std::string& word, const char* expected) { return strcasecmp(word.c_str(), expected) == 0; }

NewRule make_rule(Controller& controller, Words words) {
  bool stops = true;
  if (!words.empty() && (is(words[0], "continue") || is(words[0], "stop"))) {
    stops = is(words[0], "stop");
    words = words.subspan(1);
  }
  if (words.empty()) return fail("a rule begins with name, type, class, edns0, ttl or rcode");
  const std::string& field = words[0];
  const Words rest = words.subspan(1);
  if (is(field, "name")) return make_name_rule(stops, rest);
  if (is(field, "type")) return make_type_rule(stops, rest);
  if (is(field, "edns0")) return make_edns0_rule(stops, rest);
  if (is(field, "ttl")) return make_ttl_rule(stops, rest);
  if (is(field, "rcode")) return make_rcode_rule(stops, rest);
  if (is(field, "class")) {
    if (!rest.empty() && is(rest[0], "CH")) controller.accept_chaos();
    return make_class_rule(stops, rest);
  }
  if (is(field, "answer")) return fail("response rewrites begin with a name rule");
  if (is(field, "cname")) return fail("cname rules are not supported");
  return fail("expected name, type, class, edns0, ttl or rcode, not '{}'", field);
}

}  // namespace

Result<> setup(Controller& controller) {
  std::vector<std::unique_ptr<const Rule>> rules;
  while (controller.next()) {
    const config::Token directive = controller.token();
    std::vector<std::string> words = controller.remaining_args();
    if (words.size() < 2) {
      while (controller.next_block()) words.push_back(controller.val());
    }
    NewRule rule = make_rule(controller, words);
    if (!rule) return std::unexpected(directive.error("rewrite: " + rule.error().text()));
    rules.push_back(*std::move(rule));
  }
  controller.add(std::unique_ptr<const Plugin>(std::make_unique<const Rewrite>(std::move(rules))));
  return {};
}

}  // namespace swage::plugins::rewrite
