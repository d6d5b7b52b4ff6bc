// LineLimit: how many lines of the log strangers can cause in a second.
#pragma once

#include <cstdint>
#include <string>

#include "core/counted.h"
#include "core/log.h"

namespace swage::plugins::broker {

class LineLimit {
 public:
  // `name`: of the plugin, in the log.
  LineLimit(std::string name, std::uint64_t most) : name_(std::move(name)), most_(most) {}

  // Counts a line, also one that is one too many. `now`: of the steady clock, in milliseconds. How many lines of a
  // second were too many is logged with the first that comes later.
  [[nodiscard]] bool may_log(std::int64_t now) {
    const std::int64_t second = now / 1000;
    if (second != second_) {
      if (lines_ > most_) {
        log::warning("plugin/{}: {} not logged", name_, counted(lines_ - most_, "more line was", "more lines were"));
      }
      second_ = second;
      lines_ = 0;
    }
    return ++lines_ <= most_;
  }

 private:
  std::string name_;
  std::uint64_t most_;
  std::int64_t second_ = 0;
  std::uint64_t lines_ = 0;  // in that second, and those that should have been
};

}  // namespace swage::plugins::broker
