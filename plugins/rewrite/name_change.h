// NameChange: what a rule makes of a name. Made in setup(), used in dns processes. Internal to plugins/rewrite.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "plugins/rewrite/text_match.h"

namespace swage::plugins::rewrite {

class NameChange {
 public:
  // FROM and TO, in lower case; `kind` says what of a name FROM is.
  [[nodiscard]] static Result<NameChange> parse(MatchKind kind, std::string from, std::string to);

  // Writes what `name` becomes; false, with rubbish in `next`, where it is not concerned. Fails where that cuts one of
  // its escapes in two.
  [[nodiscard]] Result<bool> apply(std::string_view name, dns::NameText& next) const;

 private:
  NameChange(MatchKind kind, std::string from, std::string to)
      : kind_(kind), from_(std::move(from)), to_(std::move(to)) {}
  [[nodiscard]] bool replace_all(std::string_view name, dns::NameText& next) const;

  MatchKind kind_;
  std::string from_, to_;
  std::optional<RegexRewriter> regex_{};
};

}  // namespace swage::plugins::rewrite
