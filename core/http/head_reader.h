// HeadReader: the first line and the fields of a message, to the empty line after them, as one piece of text that is
// clean enough to be read in one way only. Without I/O. Internal to core/http.
#pragma once

#include <cstddef>
#include <string>

#include "core/bytes.h"
#include "core/http/fault.h"

namespace swage::http {

// Refuses, as soon as it sees it: CR or LF outside of CR LF, any other control character but a tab, a line that begins
// with a space or tab (obs-fold, RFC 9112, 5.2). Drops one empty line in front (2.2).
class HeadReader {
 public:
  explicit HeadReader(std::size_t limit) : limit_(limit) {}

  // Takes what belongs to the head from the front of `in`. True when it is whole.
  [[nodiscard]] Checked<bool> receive(Bytes& in);
  [[nodiscard]] bool begun() const { return begun_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void take_text(Bytes& in);
  [[nodiscard]] bool fits(char c) const;

  std::size_t limit_;
  std::string text_;
  bool begun_ = false;
  bool skipped_ = false;  // the empty line in front
};

}  // namespace swage::http
