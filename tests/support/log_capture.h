// What the process writes to its log (core/log.h), for tests: standard output goes to memory instead.
#pragma once

#include <sys/types.h>

#include <string>

namespace swage::tests {

// From here on, until it is destroyed. One at a time. What Catch prints meanwhile is captured too; where a check
// failed, what was not taken is printed in the end.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  // What was logged since the last call, each line with its newline.
  [[nodiscard]] std::string take();

 private:
  int before_;  // where standard output went
  int memory_;
  off_t taken_ = 0;  // bytes of it
};

}  // namespace swage::tests
