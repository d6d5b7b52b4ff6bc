// Regular expressions that a Corefile holds, matched against names in queries: RE2's, whose syntax is that of Go's
// regexp package and which takes time linear in the text, whatever the expression. The only code that includes re2.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"

namespace re2 {
class RE2;
}

namespace swage::regex {

inline constexpr std::size_t kMaxPattern = 10'000;  // bytes
inline constexpr std::size_t kMaxGroups = 32;       // that can be taken out of a match, the whole of it included

// A compiled expression; immutable. Matching may allocate: RE2 keeps its states from match to match, in at most 2 MiB.
class Regex {
 public:
  Regex(Regex&& other) noexcept;
  Regex& operator=(Regex&& other) noexcept;
  ~Regex();

  // Fails for what is not an expression, is longer than kMaxPattern or would take too much memory. The Error says why,
  // without file and line.
  [[nodiscard]] static Result<Regex> compile(std::string_view pattern);

  // True where the expression matches anywhere in `text`.
  [[nodiscard]] bool matches(std::string_view text) const;
  // The same; fills `groups` with the whole match and what its groups captured (views of `text`; null where a group is
  // no part of the match, or is not in the expression). REQUIRES: at most kMaxGroups.
  [[nodiscard]] bool match(std::string_view text, std::span<std::string_view> groups) const;

  [[nodiscard]] std::size_t groups() const;  // in the expression, without the whole match
  // The number of the group (?P<name>…).
  [[nodiscard]] std::optional<std::size_t> group(const std::string& name) const;

 private:
  explicit Regex(std::unique_ptr<const re2::RE2> compiled);
  std::unique_ptr<const re2::RE2> compiled_;
};

}  // namespace swage::regex
