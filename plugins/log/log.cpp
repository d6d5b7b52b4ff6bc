#include "plugins/log/log.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "core/dns/zones.h"
#include "core/log.h"

namespace swage::plugins::log {
namespace {

constexpr std::size_t kUsualLine = 512;  // bytes; a longer line makes more room once

}  // namespace

Log::Log(std::vector<Rule> rules, Clock clock, const Metadata* metadata)
    : rules_(std::move(rules)), clock_(clock), metadata_(metadata) {
  line_.reserve(kUsualLine);
}

void Log::sent(const Query& query, const Response& response, Bytes message) const {
  const auto rule = std::find_if(rules_.begin(), rules_.end(), [&query](const Rule& candidate) {
    return dns::is_under_any(query.key, candidate.names);
  });
  if (rule == rules_.end()) return;
  const log_line::Kind kind = log_line::kind_of(query, response);
  if (!rule->classes.empty() && std::ranges::find(rule->classes, log_line::class_of(kind)) == rule->classes.end())
    return;
  const std::chrono::nanoseconds duration = clock_().time_since_epoch() - std::chrono::nanoseconds(query.received);
  line_ = "[INFO] ";
  rule->format.append_to(line_, {query, response, kind, message.size(), duration, metadata_});
  swage::log::write(line_);
}

namespace {

// [NAMES...] [FORMAT]
Result<Rule> read_arguments(Controller& controller) {
  Rule rule;
  std::optional<std::string> format;
  while (controller.next_arg()) {
    if (format) return controller.fail("the format '{}' must come last", *format);
    if (controller.val().find('{') != std::string::npos) {
      format = controller.val();
      continue;
    }
    TRY(const dns::Name name, dns::Name::parse(controller.val()));
    rule.names.push_back(name);
  }
  if (rule.names.empty()) rule.names.emplace_back();  // the root: all
  if (format) rule.format = Format(*format);
  for (const std::string& text : rule.format.unknown()) {
    const std::string what = fmt::format("'{}' is not a placeholder; it is logged as it stands", text);
    controller.warn(controller.error_at(controller.token(), what));
  }
  for (std::string& label : rule.format.labels()) {
    controller.metadata().expect(controller.directive(), std::move(label), controller.token());
  }
  return rule;
}

// The classes of the block's lines; none: all.
Result<std::vector<Class>> read_classes(Controller& controller) {
  std::vector<Class> classes;
  bool all = false;
  const auto read_class = [&]() -> Result<> {
    do {
      TRY(const std::string_view word, controller.one_of({"success", "denial", "error", "all"}));
      if (const auto value = log_line::parse_class(word)) classes.push_back(*value);
      all = all || word == "all";
    } while (controller.has_arg());
    return {};
  };
  TRY(controller.read_block({{"class", read_class}}));
  if (all) classes.clear();
  return classes;
}

}  // namespace

Result<> setup(Controller& controller) {
  std::vector<Rule> rules;
  while (controller.next()) {
    TRY(Rule rule, read_arguments(controller));
    TRY(rule.classes, read_classes(controller));
    rules.push_back(std::move(rule));
  }
  controller.add(
      std::make_unique<const Log>(std::move(rules), &std::chrono::steady_clock::now, &controller.metadata()));
  return {};
}

}  // namespace swage::plugins::log
