// What the rules of a Corefile compare with names, and what they put in their place: text in presentation format, lower
// case, with the final dot. Made in setup(), used in dns processes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dns/name_text.h"
#include "core/regex/regex.h"
#include "core/result.h"

namespace swage::plugins::rewrite {

enum class MatchKind : std::uint8_t { exact, prefix, suffix, substring, regex };

// "exact", … in any case; nullopt for other words.
[[nodiscard]] std::optional<MatchKind> parse_match_kind(std::string_view word);

// In lower case and with its final dot. As CoreDNS has it for everything but regular expressions: the prefix "foo" is
// "foo.", the first label.
[[nodiscard]] std::string normalized(std::string_view text);

// Whether `name` begins or ends with `part`, or where it has it from place `at` on (npos: nowhere); what would cut one
// of the name's escapes in two is none.
[[nodiscard]] bool has_prefix(std::string_view name, std::string_view part);
[[nodiscard]] bool has_suffix(std::string_view name, std::string_view part);
[[nodiscard]] std::size_t find_part(std::string_view name, std::string_view part, std::size_t at = 0);

// Fails where what a rule makes of a sample is not a name: then it is none for any query. `written`: in the Corefile.
[[nodiscard]] Result<> check_name(const dns::NameText& made, std::string_view written);

// "{1}.service.{2}.consul": text with groups of a regular expression put in.
class Replacement {
 public:
  // Fails for a group that the expression has not.
  [[nodiscard]] static Result<Replacement> parse(std::string_view text, const regex::Regex& pattern);
  void write(std::span<const std::string_view> groups, dns::NameText& into) const;
  [[nodiscard]] std::size_t groups() const { return groups_; }  // that write() needs

 private:
  struct Piece {
    std::string literal;
    std::size_t group;  // after the literal; kNone: none
  };
  static constexpr std::size_t kNone = ~std::size_t{0};
  std::vector<Piece> pieces_;
  std::size_t groups_ = 0;
};

// FROM and TO of a regular expression.
class RegexRewriter {
 public:
  [[nodiscard]] static Result<RegexRewriter> parse(std::string_view from, std::string_view to);
  // Writes what `text` becomes; false where it does not match. Fails where a group that is put in begins or ends within
  // one of the name's escapes.
  [[nodiscard]] Result<bool> rewrite(std::string_view text, dns::NameText& into) const;

 private:
  RegexRewriter(regex::Regex from, Replacement to) : from_(std::move(from)), to_(std::move(to)) {}
  regex::Regex from_;
  Replacement to_;
};

// Whether a rule is about a name.
class Matcher {
 public:
  [[nodiscard]] static Result<Matcher> parse(MatchKind kind, std::string_view from);
  [[nodiscard]] bool matches(std::string_view name) const;

 private:
  MatchKind kind_ = MatchKind::exact;
  std::string from_;
  std::optional<regex::Regex> pattern_;
};

}  // namespace swage::plugins::rewrite
