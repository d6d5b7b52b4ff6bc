// errors: logs the Errors of the plugins after it, or counts those that come in masses. In every dns process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/plugin/plugin.h"
#include "core/regex/regex.h"

namespace swage::plugins::errors {

// The errors that match one regular expression, counted from the first of them until a time has passed.
class Consolidation {
 public:
  struct Options {
    std::string duration;     // as written
    std::int64_t period = 0;  // nanoseconds
    std::string pattern;      // as written
    std::string level = "error";
    bool show_first = false;
  };

  [[nodiscard]] static Result<Consolidation> make(Options options);

  [[nodiscard]] bool matches(const std::string& text) const { return regex_.matches(text); }
  // Counts one; true if it is also to be logged, at level().
  [[nodiscard]] bool add(std::int64_t now);
  // When what was counted is due to be logged; the end of time where nothing was.
  [[nodiscard]] std::int64_t due() const { return due_; }
  // Logs what was counted, if anything, and starts anew.
  void flush();
  [[nodiscard]] const std::string& level() const { return options_.level; }

  static constexpr std::int64_t kNever = INT64_MAX;

 private:
  Consolidation(Options options, regex::Regex regex) : options_(std::move(options)), regex_(std::move(regex)) {}

  Options options_;
  regex::Regex regex_;
  std::uint64_t count_ = 0;
  std::int64_t due_ = kNever;
};

class Errors : public Plugin {
 public:
  explicit Errors(std::vector<Consolidation> consolidations) : consolidations_(std::move(consolidations)) {}
  ~Errors() override;
  Errors(const Errors&) = delete;
  Errors& operator=(const Errors&) = delete;

  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
  [[nodiscard]] bool sees(dns::MessageKind) const override { return true; }

 private:
  void flush_due(std::int64_t now) const;
  void report(const Query& query, const std::string& text) const;

  mutable std::vector<Consolidation> consolidations_;  // one thread a process
  mutable std::int64_t due_ = Consolidation::kNever;   // the earliest of them
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::errors
