#include "core/update/rules.h"

#include <algorithm>

namespace swage::update {

Result<Pattern> Pattern::parse(std::string_view text) {
  Pattern pattern;
  pattern.below_ = text.starts_with("*.");
  TRY(const dns::Name name, dns::Name::parse(pattern.below_ ? text.substr(2) : text));
  pattern.name_ = name.lowercased();
  return pattern;
}

bool Pattern::matches(dns::NameView name) const {
  return below_ ? name.size() > name_.size() && name.is_under(name_) : name == name_;
}

std::vector<dns::Name> Rules::keys() const {
  std::vector<dns::Name> keys;
  for (const Rule& rule : rules_) keys.push_back(rule.key);
  return keys;
}

bool is_of_signer(dns::Type type) {
  return type == dns::Type::rrsig || type == dns::Type::nsec || type == dns::Type::nsec3 || type == dns::Type::zonemd;
}

bool Rules::know(dns::NameView key) const {
  return std::ranges::any_of(rules_, [&](const Rule& rule) { return rule.key == key; });
}

bool Rules::allow(dns::NameView key, dns::NameView name, dns::Type type) const {
  if (is_of_signer(type)) return false;
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    return rule.key == key && (rule.types.empty() || std::ranges::count(rule.types, type) != 0) &&
           std::ranges::any_of(rule.patterns, [&](const Pattern& pattern) { return pattern.matches(name); });
  });
}

bool Rules::allow(dns::NameView key, std::span<const dns::Record> updates) const {
  return std::ranges::all_of(updates, [&](const dns::Record& each) { return allow(key, each.owner, each.type); });
}

}  // namespace swage::update
