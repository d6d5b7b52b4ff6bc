#include "core/config/dispenser.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "core/config/nearest.h"
#include "core/config/values.h"
#include "core/text.h"

namespace swage::config {

using std::chrono::milliseconds;

namespace {

constexpr std::string_view kTwice = "stands twice in a server block";

// A brace at the start of a line belongs to the line before; that it stands there is told by the parser.
bool begins_line(const Token& token) { return token.starts_line && !token.is_open(); }

}  // namespace

bool Dispenser::next() {
  if (current_ > 0) skip_line(0, true);
  if (at_end()) return false;
  occurrence_ = current_;
  property_ = kNone;
  advance();
  return true;
}

void Dispenser::once() {
  next();
  unsigned depth = 0;
  for (std::size_t at = current_; at < tokens_.size(); ++at) {
    if (depth == 0 && begins_line(tokens_[at])) {
      errors_.push_back(error_at(tokens_[at], kTwice));
      tokens_.resize(at);
      return;
    }
    if (tokens_[at].is_open()) ++depth;
    if (tokens_[at].is_close() && depth > 0) --depth;
  }
}

void Dispenser::advance() {
  if (following().is_open()) ++depth_;
  if (following().is_close() && depth_ > 0) --depth_;
  ++current_;
}

bool Dispenser::has_arg() const {
  return !at_end() && current_ > 0 && !following().starts_line && !following().is_open() && !following().is_close();
}

bool Dispenser::next_arg() {
  if (!has_arg()) return false;
  advance();
  return true;
}

std::vector<std::string> Dispenser::remaining_args() {
  std::vector<std::string> arguments;
  while (next_arg()) arguments.push_back(val());
  return arguments;
}

// What is left of the line before its block.
void Dispenser::skip_words() {
  if (!has_arg()) return;
  tell_unread();
  while (has_arg()) advance();
}

// What is left of a line at `depth`, with the blocks on it.
void Dispenser::skip_line(unsigned depth, bool tell) {
  while (!at_end() && (depth_ > depth || !(begins_line(following()) || (depth > 0 && following().is_close())))) {
    const bool empty_block = following().is_open() && current_ + 1 < tokens_.size() && tokens_[current_ + 1].is_close();
    if (tell && !empty_block) tell_unread();
    tell = tell && empty_block;
    if (empty_block) advance();
    advance();
  }
}

void Dispenser::tell_unread() {
  const Token& unread = following();
  const std::string what =
      unread.is_open() ? "takes no block" : fmt::format("unexpected '{}'; expected the end of the line", unread.text);
  const std::string property = property_ == kNone ? "" : tokens_[property_].text + ": ";
  errors_.push_back(error_at(unread, property + what));
}

bool Dispenser::next_block(unsigned level) {
  if (depth_ <= level) {
    skip_words();
    if (at_end() || !following().is_open()) return false;
    advance();
  } else {
    skip_line(level + 1, true);
  }
  if (at_end()) return false;
  advance();
  property_ = token().is_close() ? kNone : current_ - 1;
  return !token().is_close();
}

Result<> Dispenser::read_lines(const std::function<Result<>()>& read) {
  const unsigned level = depth_;
  const std::size_t outer = property_;
  Result<> first;
  while (next_block(level)) {
    const std::size_t line = property_;
    const Result<> done = read();
    if (done) continue;
    Error why = placed(done.error());
    property_ = line;
    skip_line(level + 1, false);
    // One of a block within this line is there already.
    if (std::ranges::find(errors_, why.text(), &Error::text) == errors_.end()) errors_.push_back(why);
    if (first) first = std::unexpected(std::move(why));
  }
  property_ = outer;
  return first;
}

Result<> Dispenser::read_property(std::initializer_list<Property> properties) {
  std::vector<std::string_view> known;
  for (const Property& each : properties) {
    if (each.name == val()) return each.read();
    known.push_back(each.name);
  }
  std::string expected = did_you_mean(val(), known);
  if (expected.empty()) expected = fmt::format("; expected {}", fmt::join(known, ", "));
  return fail("unknown property '{}'{}", val(), expected);
}

Result<> Dispenser::read_block(std::initializer_list<Property> properties) {
  return read_lines([&] { return read_property(properties); });
}

Result<std::string_view> Dispenser::expect_arg(std::string_view what) {
  if (next_arg()) return val();
  return fail("expected {} after '{}'", what, val());
}

Result<milliseconds> Dispenser::expect_duration(milliseconds least, milliseconds most) {
  TRY(const std::string_view text, expect_arg("a duration"));
  const auto parsed = parse_duration(text);
  if (!parsed) return fail("{}", parsed.error().text());
  const auto duration = std::chrono::ceil<milliseconds>(*parsed);
  const bool small = duration<least, large = duration> most;
  if (!small && !large) return duration;
  if (most == milliseconds::max()) return fail("'{}' is less than {}", text, duration_text(least));
  if (least == milliseconds()) return fail("'{}' is more than {}", text, duration_text(most));
  return fail("'{}' is not between {} and {}", text, duration_text(least), duration_text(most));
}

Result<std::uint32_t> Dispenser::expect_seconds(std::uint32_t least, std::uint32_t most) {
  TRY(const std::string_view text, expect_arg("seconds or a duration"));
  const bool digits = is_decimal(text);
  const auto duration = parse_duration(digits ? std::string(text) + "s" : std::string(text));
  const auto seconds = duration ? std::chrono::floor<std::chrono::seconds>(*duration) : std::chrono::seconds(-1);
  if (!duration || seconds != *duration || seconds.count() < least || seconds.count() > most) {
    return fail("'{}' is not {} to {} seconds; expected a number, or a duration of whole seconds such as 1h", text,
                least, most);
  }
  return static_cast<std::uint32_t>(seconds.count());
}

Result<std::int64_t> Dispenser::expect_integer(std::int64_t least, std::int64_t most) {
  TRY(const std::string_view text, expect_arg(fmt::format("a number from {} to {}", least, most)));
  const auto number = parse_integer(text, least, most);
  if (!number) return fail("{}", number.error().text());
  return *number;
}

Result<bool> Dispenser::expect_switch() {
  TRY(const std::string_view text, expect_arg("'on' or 'off'"));
  const auto value = parse_switch(text);
  if (!value) return fail("{}", value.error().text());
  return *value;
}

Result<Prefix> Dispenser::expect_prefix() {
  TRY(const std::string_view text, expect_arg("an address or a network"));
  const auto prefix = Prefix::parse(text);
  if (!prefix) return fail("'{}' is neither an address nor a network in CIDR notation", text);
  return *prefix;
}

Result<IpAddress> Dispenser::expect_address() {
  TRY(const std::string_view text, expect_arg("an address"));
  const auto address = IpAddress::parse(text);
  if (!address) return fail("'{}' is not an IP address", text);
  return *address;
}

Result<Endpoint> Dispenser::expect_endpoint(std::uint16_t port) {
  TRY(const std::string_view text, expect_arg("an address with or without a port"));
  const auto endpoint = Endpoint::parse(text, port);
  if (!endpoint) return fail("{}", endpoint.error().text());
  return *endpoint;
}

Result<std::uint64_t> Dispenser::expect_size(std::uint64_t least, std::uint64_t most) {
  TRY(const std::string_view text, expect_arg("a size"));
  const auto size = parse_size(text);
  if (!size) return fail("{}", size.error().text());
  if (*size < least || *size > most) return fail("'{}' is not between {} and {} bytes", text, least, most);
  return *size;
}

Result<std::string_view> Dispenser::one_of(std::initializer_list<std::string_view> words) {
  std::string expected;
  std::size_t left = words.size();
  for (const std::string_view word : words) {
    expected += fmt::format("{}'{}'", expected.empty() ? "" : left == 1 ? " or " : ", ", word);
    --left;
  }
  TRY(const std::string_view text, expect_arg(expected));
  if (std::ranges::find(words, text) == words.end()) return fail("expected {}, not '{}'", expected, text);
  return text;
}

Result<> Dispenser::ignore() {
  while (has_arg()) advance();
  return {};
}

// "DIRECTIVE: ", with "PROPERTY: " after the first word of a line of a block.
std::string Dispenser::context() const {
  const bool within = property_ != kNone && property_ + 1 < current_;
  return within ? fmt::format("{}: {}: ", directive(), tokens_[property_].text) : directive() + ": ";
}

Error Dispenser::error_at(const Token& at, std::string_view text) const {
  return at.error(fmt::format("{}: {}", directive(), text));
}

Error Dispenser::error_here(std::string_view text) const {
  return token().is_close() ? error_at(occurrence(), text) : token().error(context() + std::string(text));
}

Error Dispenser::placed(const Error& error) const {
  const std::string_view text = error.text();
  const auto says_place = [&](const Token& each) {  // "FILE:LINE: "
    if (!text.starts_with(each.file + ":")) return false;
    const std::string_view rest = text.substr(each.file.size() + 1);
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    return digits > 0 && rest.substr(digits).starts_with(": ");
  };
  return std::ranges::any_of(tokens_, says_place) ? error : error_here(text);
}

void Dispenser::finish() {
  if (current_ == 0) next();  // setup() takes no arguments
  skip_line(0, true);
  if (!at_end()) errors_.push_back(error_at(following(), kTwice));
}

}  // namespace swage::config
