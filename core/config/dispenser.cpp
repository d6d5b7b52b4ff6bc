#include "core/config/dispenser.h"

#include <span>

#include "core/config/nearest.h"

namespace swage::config {

bool Dispenser::next() {
  if (current_ == tokens_.size()) return false;
  advance();
  return true;
}

void Dispenser::advance() {
  const Token& next = tokens_[current_];
  if (depth_ == 0 && next.starts_line) occurrence_ = current_;
  if (next.is_open()) ++depth_;
  if (next.is_close() && depth_ > 0) --depth_;
  ++current_;
}

bool Dispenser::next_arg() {
  if (current_ == tokens_.size()) return false;
  const Token& following = tokens_[current_];
  if (current_ > 0 && (following.starts_line || following.is_open() || following.is_close())) return false;
  return next();
}

bool Dispenser::next_line() {
  if (current_ == tokens_.size()) return false;
  if (current_ > 0 && !tokens_[current_].starts_line) return false;
  return next();
}

bool Dispenser::next_block(unsigned level) {
  if (nesting_ <= level) {
    if (current_ == tokens_.size() || !tokens_[current_].is_open()) return false;
    advance();
    ++nesting_;
  }
  if (!next()) return false;
  if (!token().is_close()) return true;
  --nesting_;
  return false;
}

std::vector<std::string> Dispenser::remaining_args() {
  std::vector<std::string> arguments;
  while (next_arg()) arguments.push_back(val());
  return arguments;
}

Result<std::string_view> Dispenser::expect_arg(std::string_view what) {
  if (next_arg()) return val();
  return std::unexpected(error("directive '{}': expected {} after '{}'", directive(), what, val()));
}

Result<> Dispenser::expect_end() {
  if (!next_arg()) return {};
  return std::unexpected(error("directive '{}': unexpected '{}'; expected the end of the line", directive(), val()));
}

Error Dispenser::arg_error() const {
  return error("directive '{}': wrong argument count or unexpected line ending after '{}'", directive(), val());
}

Error Dispenser::unexpected_token() const { return error("directive '{}': unexpected '{}'", directive(), val()); }

Error Dispenser::unknown_property(std::initializer_list<std::string_view> known) const {
  std::string expected = did_you_mean(val(), {known.begin(), known.size()});
  if (expected.empty()) expected = fmt::format("; expected {}", fmt::join(known, ", "));
  return error("directive '{}': unknown property '{}'{}", directive(), val(), expected);
}

}  // namespace swage::config
