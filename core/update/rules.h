// Who may change what by dynamic updates: update { key NAME may change PATTERN… TYPES… }. No I/O.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/dns/name.h"
#include "core/dns/response.h"
#include "core/dns/types.h"
#include "core/result.h"

namespace swage::update {

// A name, or "*.NAME" for all names below it (not NAME itself).
class Pattern {
 public:
  [[nodiscard]] static Result<Pattern> parse(std::string_view text);
  [[nodiscard]] bool matches(dns::NameView name) const;
  [[nodiscard]] dns::NameView name() const { return name_; }  // without the asterisk

 private:
  dns::Name name_;
  bool below_ = false;
};

// RRSIG, NSEC, NSEC3 and ZONEMD: who signs a zone makes them, no update.
[[nodiscard]] bool is_of_signer(dns::Type type);

struct Rule {
  dns::Name key;
  std::vector<Pattern> patterns;
  std::vector<dns::Type> types;  // none: any
};

class Rules {
 public:
  void add(Rule rule) { rules_.push_back(std::move(rule)); }
  [[nodiscard]] bool empty() const { return rules_.empty(); }
  // Of all rules.
  [[nodiscard]] std::vector<dns::Name> keys() const;
  // Whether any rule is for this key.
  [[nodiscard]] bool know(dns::NameView key) const;
  // Whether one rule of the key has both the name and the type. Type ANY, all RRsets of a name, takes a rule for any
  // type. Nothing allows types that are of a signer.
  [[nodiscard]] bool allow(dns::NameView key, dns::NameView name, dns::Type type) const;
  // Whether each of these may be changed.
  [[nodiscard]] bool allow(dns::NameView key, std::span<const dns::Record> updates) const;

 private:
  std::vector<Rule> rules_;
};

}  // namespace swage::update
