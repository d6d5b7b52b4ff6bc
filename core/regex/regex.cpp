#include "core/regex/regex.h"

#include <re2/re2.h>

#include <array>

namespace swage::regex {
namespace {

constexpr int kMemory = 2 << 20;  // bytes: of the program and of the states that matching keeps

}  // namespace

Regex::Regex(std::unique_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}
Regex::Regex(Regex&& other) noexcept = default;
Regex& Regex::operator=(Regex&& other) noexcept = default;
Regex::~Regex() = default;

Result<Regex> Regex::compile(std::string_view pattern) {
  if (pattern.size() > kMaxPattern) {
    return fail("a regular expression of {} bytes; at most {} are allowed", pattern.size(), kMaxPattern);
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMemory);
  auto compiled = std::make_unique<const re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!compiled->ok()) return fail("'{}' is not a valid regular expression: {}", pattern, compiled->error());
  return Regex(std::move(compiled));
}

bool Regex::matches(std::string_view text) const { return match(text, {}); }

bool Regex::match(std::string_view text, std::span<std::string_view> groups) const {
  CHECK(groups.size() <= kMaxGroups);
  std::array<re2::StringPiece, kMaxGroups> found;
  const re2::StringPiece piece(text.data(), text.size());
  if (!compiled_->Match(piece, 0, text.size(), re2::RE2::UNANCHORED, found.data(), static_cast<int>(groups.size()))) {
    return false;
  }
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = {found[i].data(), found[i].size()};
  return true;
}

std::size_t Regex::groups() const { return static_cast<std::size_t>(compiled_->NumberOfCapturingGroups()); }

std::optional<std::size_t> Regex::group(const std::string& name) const {
  const auto found = compiled_->NamedCapturingGroups().find(name);
  if (found == compiled_->NamedCapturingGroups().end()) return std::nullopt;
  return static_cast<std::size_t>(found->second);
}

}  // namespace swage::regex
