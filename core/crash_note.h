// CrashNote: says whose code it was where the process crashes, or throws what nobody catches: setup() and prepare() of
// plugins, and libraries as they are loaded, may be anybody's.
#pragma once

#include <string>
#include <string_view>

namespace swage {

// While it lives, a crash writes "[ERROR] WHAT" to standard output, as the log would, before the process ends as it
// would have. One within another one's life takes its place, until its own end. For the main thread.
class CrashNote {
 public:
  explicit CrashNote(std::string_view what);
  ~CrashNote();
  CrashNote(const CrashNote&) = delete;
  CrashNote& operator=(const CrashNote&) = delete;

  [[nodiscard]] const std::string& line() const { return line_; }

 private:
  std::string line_;
  const CrashNote* before_;
};

}  // namespace swage
