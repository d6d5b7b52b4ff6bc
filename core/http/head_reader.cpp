#include "core/http/head_reader.h"

#include <algorithm>

#include "core/http/grammar.h"

namespace swage::http {

Checked<bool> HeadReader::receive(Bytes& in) {
  if (!begun_) text_.reserve(std::min(in.size(), limit_));
  while (!in.empty()) {
    take_text(in);
    if (in.empty()) break;
    const char c = static_cast<char>(in.front());
    if (!fits(c)) return std::unexpected(Fault::malformed);
    if (text_.size() >= limit_) return std::unexpected(Fault::header_too_large);
    in = in.subspan(1);
    begun_ = true;
    text_ += c;
    if (c != '\n') continue;
    if (text_.size() == 2) {
      if (skipped_) return std::unexpected(Fault::malformed);
      skipped_ = true;
      text_.clear();
    } else if (text_.ends_with("\r\n\r\n")) {
      return true;
    }
  }
  return false;
}

// What is inside of a line, in one piece.
void HeadReader::take_text(Bytes& in) {
  if (text_.empty() || text_.back() == '\r' || text_.back() == '\n') return;
  std::size_t size = 0;
  const std::size_t most = std::min(in.size(), limit_ - text_.size());
  while (size < most && is_text_char(static_cast<char>(in[size]))) ++size;
  text_ += as_text(in.first(size));
  in = in.subspan(size);
}

bool HeadReader::fits(char c) const {
  const char before = text_.empty() ? '\n' : text_.back();
  if ((c == '\n') != (before == '\r')) return false;
  if (c == '\r' || c == '\n') return true;
  if (c == ' ' || c == '\t') return before != '\n';
  return is_text_char(c);
}

}  // namespace swage::http
