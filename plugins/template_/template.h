// The template plugin: records made from text with the parts of a query put in. In the dns processes. (The folder's
// name ends in '_' because template is a word of C++.)
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/dns/name_text.h"
#include "core/dns/zones.h"
#include "core/plugin/plugin.h"
#include "core/regex/regex.h"
#include "core/zonefile/record_parser.h"
#include "plugins/template_/record_template.h"

namespace swage::plugins::template_ {

// A record that is the same for all queries is read once.
struct FixedRecord {
  dns::Name owner;
  dns::Type type;
  dns::Class rclass;
  std::uint32_t ttl;
  std::vector<std::uint8_t> rdata;
};

struct SectionRecord {
  std::vector<dns::Record> Response::* section;
  RecordTemplate text;
  std::optional<FixedRecord> fixed;
};

struct Pattern {
  regex::Regex regex;
  std::vector<GroupName> groups;  // those with a name that a template asks for
};

struct RuleZone {
  dns::Name name;
  std::string text;
};

// One occurrence of the directive.
struct Rule {
  dns::Class rclass = dns::Class::in;
  dns::Type type = dns::Type::any;
  dns::ZoneTable<RuleZone> zones;
  std::vector<Pattern> patterns;  // none: all names
  std::vector<SectionRecord> records;
  dns::Rcode rcode = dns::Rcode::noerror;
  std::string extended_error;          // data of the EDNS option (RFC 8914); empty: none
  std::vector<dns::Name> fallthrough;  // empty: none
};

class Template : public Plugin {
 public:
  explicit Template(std::vector<Rule> rules) : rules_(std::move(rules)) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  [[nodiscard]] Result<> add(const SectionRecord& record, const QueryParts& parts, Response& response) const;
  [[nodiscard]] Result<Outcome> answer(const Rule& rule, const QueryParts& parts, Response& response) const;

  const std::vector<Rule> rules_;
  mutable zonefile::RecordParser parser_;  // its memory only: used again for each record
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::template_
