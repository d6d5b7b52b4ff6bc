#include "plugins/rewrite/name_change.h"

namespace swage::plugins::rewrite {

Result<NameChange> NameChange::parse(MatchKind kind, std::string from, std::string to) {
  NameChange change(kind, std::move(from), std::move(to));
  if (kind == MatchKind::regex) {
    TRY(RegexRewriter rewriter, RegexRewriter::parse(change.from_, change.to_));
    change.regex_.emplace(std::move(rewriter));
  }
  return change;
}

Result<bool> NameChange::apply(std::string_view name, dns::NameText& next) const {
  switch (kind_) {
    case MatchKind::exact:
      next.append(to_);
      return name == from_;
    case MatchKind::prefix:
      if (!has_prefix(name, from_)) return false;
      next.append(to_);
      next.append(name.substr(from_.size()));
      return true;
    case MatchKind::suffix:
      if (!has_suffix(name, from_)) return false;
      next.append(name.substr(0, name.size() - from_.size()));
      next.append(to_);
      return true;
    case MatchKind::substring:
      return replace_all(name, next);
    case MatchKind::regex:
      return regex_->rewrite(name, next);
  }
  return false;
}

bool NameChange::replace_all(std::string_view name, dns::NameText& next) const {
  std::size_t found = find_part(name, from_);
  if (found == std::string_view::npos) return false;
  std::size_t at = 0;
  for (; found != std::string_view::npos; found = find_part(name, from_, at)) {
    next.append(name.substr(at, found - at));
    next.append(to_);
    at = found + from_.size();
  }
  next.append(name.substr(at));
  return true;
}

}  // namespace swage::plugins::rewrite
