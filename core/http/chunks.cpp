#include "core/http/chunks.h"

#include <algorithm>

#include "core/http/grammar.h"
#include "core/text.h"

namespace swage::http {

namespace {

constexpr unsigned kMaxDigits = 16;

}  // namespace

Checked<> ChunkReader::receive(Bytes& in, std::string& body) {
  while (!in.empty() && !done()) {
    if (state_ == State::data) {
      const Bytes part = in.first(static_cast<std::size_t>(std::min<std::uint64_t>(size_, in.size())));
      body += as_text(part);
      in = in.subspan(part.size());
      size_ -= part.size();
      if (size_ == 0) state_ = State::data_cr;
      continue;
    }
    if (!step(static_cast<char>(in.front()))) return std::unexpected(Fault::malformed);
    in = in.subspan(1);
    if (overhead_ > most_overhead_) return std::unexpected(Fault::malformed);
    if (state_ == State::data && size_ > most_body_ - body.size()) return std::unexpected(Fault::body_too_large);
  }
  return {};
}

bool ChunkReader::go(bool fits, State next) {
  state_ = next;
  return fits;
}

bool ChunkReader::step(char c) {
  switch (state_) {
    case State::size:
      return step_size(c);
    case State::extension:
      ++overhead_;
      return c == '\r' ? go(true, State::size_end) : is_text_char(c);
    case State::size_end:
      return go(c == '\n', size_ == 0 ? State::line : State::data);
    case State::data_cr:
      return go(c == '\r', State::data_end);
    case State::data_end:
      digits_ = 0;
      return go(c == '\n', State::size);
    default:
      return step_trailer(c);
  }
}

bool ChunkReader::step_size(char c) {
  if (digits_ > 0 && c == ';') return go(true, State::extension);
  if (digits_ > 0 && c == '\r') return go(true, State::size_end);
  const int digit = hex_value(c);
  if (digit < 0) return false;
  size_ = size_ << 4 | static_cast<unsigned>(digit);  // the one before had been read to its end: 0
  return ++digits_ <= kMaxDigits;
}

bool ChunkReader::step_trailer(char c) {
  ++overhead_;
  switch (state_) {
    case State::line:
      return c == '\r' ? go(true, State::last_end) : go(is_token_char(c), State::name);
    case State::name:
      return c == ':' ? go(true, State::value) : is_token_char(c);
    case State::value:
      return c == '\r' ? go(true, State::value_end) : is_text_char(c);
    case State::value_end:
      return go(c == '\n', State::line);
    default:
      return go(c == '\n', State::done);
  }
}

}  // namespace swage::http
