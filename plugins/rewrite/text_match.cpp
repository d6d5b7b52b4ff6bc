#include "plugins/rewrite/text_match.h"

#include <algorithm>
#include <charconv>

#include "core/text.h"

namespace swage::plugins::rewrite {

std::optional<MatchKind> parse_match_kind(std::string_view word) {
  constexpr std::array<std::string_view, 5> kWords = {"exact", "prefix", "suffix", "substring", "regex"};
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (equal_without_case(word, kWords[i])) return static_cast<MatchKind>(i);
  }
  return std::nullopt;
}

std::string normalized(std::string_view text) {
  std::string result = lower_case(text);
  if (!result.ends_with('.') || result.ends_with("\\.")) result += '.';
  return result;
}

bool has_prefix(std::string_view name, std::string_view part) {
  return name.starts_with(part) && !dns::is_in_escape(name, part.size());
}

bool has_suffix(std::string_view name, std::string_view part) {
  return name.ends_with(part) && !dns::is_in_escape(name, name.size() - part.size());
}

std::size_t find_part(std::string_view name, std::string_view part, std::size_t at) {
  std::size_t found = name.find(part, at);
  while (found != std::string_view::npos &&
         (dns::is_in_escape(name, found) || dns::is_in_escape(name, found + part.size()))) {
    found = name.find(part, found + 1);
  }
  return found;
}

Result<> check_name(const dns::NameText& made, std::string_view written) {
  if (made.overflow()) return fail("'{}' is too long for a name", written);
  const auto name = dns::Name::parse(made.view());
  if (!name) return fail("'{}' does not make a valid name: {}", written, name.error().text());
  return {};
}

Result<Replacement> Replacement::parse(std::string_view text, const regex::Regex& pattern) {
  Replacement result;
  result.pieces_.push_back({"", kNone});
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t end = text[at] == '{' ? text.find('}', at) : std::string_view::npos;
    std::size_t group = 0;
    if (end != std::string_view::npos) {
      const auto [stop, wrong] = std::from_chars(text.data() + at + 1, text.data() + end, group);
      if (wrong == std::errc() && stop == text.data() + end) {
        if (group > pattern.groups() || group >= regex::kMaxGroups) {
          return fail("'{}' uses group {}, but the regular expression has {}, and {} at most can be used", text, group,
                      pattern.groups(), regex::kMaxGroups - 1);
        }
        result.pieces_.back().group = group;
        result.groups_ = std::max(result.groups_, group + 1);
        result.pieces_.push_back({"", kNone});
        at = end;
        continue;
      }
    }
    result.pieces_.back().literal += text[at];
  }
  return result;
}

void Replacement::write(std::span<const std::string_view> groups, dns::NameText& into) const {
  into.clear();
  for (const Piece& piece : pieces_) {
    into.append(piece.literal);
    if (piece.group != kNone) into.append(groups[piece.group]);
  }
}

Result<RegexRewriter> RegexRewriter::parse(std::string_view from, std::string_view to) {
  TRY(regex::Regex pattern, regex::Regex::compile(from));
  TRY(Replacement replacement, Replacement::parse(normalized(to), pattern));
  dns::NameText sample;
  const std::array<std::string_view, regex::kMaxGroups> groups = [] {
    std::array<std::string_view, regex::kMaxGroups> all;
    all.fill("x");
    return all;
  }();
  replacement.write(groups, sample);
  TRY(check_name(sample, to));
  return RegexRewriter(std::move(pattern), std::move(replacement));
}

Result<bool> RegexRewriter::rewrite(std::string_view text, dns::NameText& into) const {
  std::array<std::string_view, regex::kMaxGroups> groups;
  const std::span<std::string_view> used = std::span(groups).first(to_.groups());
  if (!from_.match(text, used)) return false;
  for (const std::string_view group : used) {
    if (group.empty()) continue;
    const auto start = static_cast<std::size_t>(group.data() - text.data());
    if (dns::is_in_escape(text, start) || dns::is_in_escape(text, start + group.size())) {
      return fail("rewrite: the group '{}' of {} has half of an escape", group, text);
    }
  }
  to_.write(used, into);
  return true;
}

Result<Matcher> Matcher::parse(MatchKind kind, std::string_view from) {
  Matcher matcher;
  matcher.kind_ = kind;
  if (kind == MatchKind::regex) {
    TRY(regex::Regex pattern, regex::Regex::compile(from));
    matcher.pattern_.emplace(std::move(pattern));
  } else {
    matcher.from_ = normalized(from);
  }
  return matcher;
}

bool Matcher::matches(std::string_view name) const {
  switch (kind_) {
    case MatchKind::exact:
      return name == from_;
    case MatchKind::prefix:
      return has_prefix(name, from_);
    case MatchKind::suffix:
      return has_suffix(name, from_);
    case MatchKind::substring:
      return find_part(name, from_) != std::string_view::npos;
    case MatchKind::regex:
      return pattern_->matches(name);
  }
  return false;
}

}  // namespace swage::plugins::rewrite
