// All that is wrong with a Corefile, so that the operator can mend it in one go: what one directive does wrong hides
// nothing of the others. A plain collection; whoever finds an error goes on where that cannot make up false ones.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/result.h"

namespace swage::config {

class Errors {
 public:
  static constexpr std::size_t kMaxTold = 20;  // that are told; of the others their number

  // Files in the order in which they are read: that of their errors.
  void know_file(const std::string& file);
  // The same text again counts once: a snippet may be imported many times.
  void add(const Error& error);
  void add(std::unexpected<Error> error) { add(error.error()); }
  [[nodiscard]] bool empty() const { return errors_.empty(); }

  // One Error with a line for each, by file and line, control characters in them as "\x0a"; the last line may be "and 5
  // more errors". Those without a line come last. REQUIRES: not empty().
  [[nodiscard]] Error joined() const;

 private:
  struct Entry {
    std::size_t file;  // its place in files_
    unsigned line;
    std::string text;
  };
  static constexpr std::size_t kMaxKept = 1000;
  std::vector<std::string> files_;
  std::vector<Entry> errors_;
  std::size_t more_ = 0;  // that are not kept
};

// The lines of a joined() Error, as many as it can have; of any other text itself.
[[nodiscard]] std::vector<std::string> lines_of(const Error& error);
// For where there is room for one line: the first, and that there are more.
[[nodiscard]] std::string in_one_line(const Error& error);

}  // namespace swage::config
