#include "plugins/errors/errors.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/log.h"

namespace swage::plugins::errors {
namespace {

constexpr auto kLevels = std::to_array<std::string_view>({"error", "warning", "info", "debug"});

void write(std::string_view level, std::string_view text) {
  if (level == "error") swage::log::error("plugin/errors: {}", text);
  if (level == "warning") swage::log::warning("plugin/errors: {}", text);
  if (level == "info") swage::log::info("plugin/errors: {}", text);
  if (level == "debug") swage::log::debug("plugin/errors: {}", text);
}

}  // namespace

Result<Consolidation> Consolidation::make(Options options) {
  TRY(regex::Regex regex, regex::Regex::compile(options.pattern));
  return Consolidation(std::move(options), std::move(regex));
}

bool Consolidation::add(std::int64_t now) {
  if (count_++ != 0) return false;
  due_ = now + options_.period;
  return options_.show_first;
}

void Consolidation::flush() {
  if (count_ > 1 || (count_ == 1 && !options_.show_first)) {
    write(level(), fmt::format("{} errors like '{}' occurred in last {}", count_, options_.pattern, options_.duration));
  }
  count_ = 0;
  due_ = kNever;
}

Errors::~Errors() {
  for (Consolidation& consolidation : consolidations_) consolidation.flush();
}

Result<Outcome> Errors::serve(const Query& query, Response& response, Next next) const {
  if (query.received >= due_) [[unlikely]]
    flush_due(query.received);
  Result<Outcome> outcome = next(query, response);
  if (!outcome) [[unlikely]]
    report(query, outcome.error().text());
  return outcome;
}

void Errors::flush_due(std::int64_t now) const {
  due_ = Consolidation::kNever;
  for (Consolidation& consolidation : consolidations_) {
    if (consolidation.due() <= now) consolidation.flush();
    due_ = std::min(due_, consolidation.due());
  }
}

void Errors::report(const Query& query, const std::string& text) const {
  std::string_view level = "error";
  for (Consolidation& consolidation : consolidations_) {
    if (!consolidation.matches(text)) continue;
    const bool show = consolidation.add(query.received);
    due_ = std::min(due_, consolidation.due());
    if (!show) return;
    level = consolidation.level();
    break;
  }
  write(level, fmt::format("{} {} {}: {}", static_cast<unsigned>(dns::Rcode::servfail), query.key.to_string(),
                           dns::to_string(query.qtype), text));
}

namespace {

// DURATION REGEXP [LEVEL] [show_first]
Result<Consolidation> read_consolidate(Controller& controller) {
  Consolidation::Options options;
  TRY(const std::chrono::nanoseconds period, controller.expect_duration());
  options.period = period.count();
  options.duration = controller.val();
  TRY(options.pattern, controller.expect_arg("a regular expression"));
  bool has_level = false;
  while (controller.next_arg()) {
    const std::string& word = controller.val();
    if (word == "show_first" && !options.show_first) {
      options.show_first = true;
    } else if (std::ranges::find(kLevels, word) == kLevels.end()) {
      return controller.fail("'{}' is neither a level (error, warning, info or debug) nor 'show_first'", word);
    } else if (has_level || options.show_first) {
      return controller.fail("'{}': there can be one level, before 'show_first'", word);
    } else {
      has_level = true;
      options.level = word;
    }
  }
  return Consolidation::make(std::move(options));
}

}  // namespace

// errors [stdout] { stacktrace ; consolidate DURATION REGEXP [LEVEL] [show_first] }
Result<> setup(Controller& controller) {
  controller.once();
  if (controller.has_arg()) TRY(controller.one_of({"stdout"}));
  std::vector<Consolidation> consolidations;
  const auto consolidate = [&]() -> Result<> {
    TRY(Consolidation consolidation, read_consolidate(controller));
    consolidations.push_back(std::move(consolidation));
    return {};
  };
  TRY(controller.read_block({{"stacktrace", [] { return Result<>(); }}, {"consolidate", consolidate}}));
  controller.add(std::make_unique<const Errors>(std::move(consolidations)));
  return {};
}

}  // namespace swage::plugins::errors
