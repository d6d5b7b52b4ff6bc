#include "plugins/template_/template.h"

#include "core/plugin/lookup.h"

namespace swage::plugins::template_ {
namespace {

bool fits(const Rule& rule, const Query& query) {
  const bool fits_class =
      rule.rclass == dns::Class::any || query.qclass == dns::Class::any || query.qclass == rule.rclass;
  return fits_class && (rule.type == dns::Type::any || query.qtype == dns::Type::any || query.qtype == rule.type);
}

}  // namespace

Result<> Template::add(const SectionRecord& record, const QueryParts& parts, Response& response) const {
  std::vector<dns::Record>& section = response.*record.section;
  if (record.fixed) {
    const FixedRecord& fixed = *record.fixed;
    section.push_back({fixed.owner, fixed.type, fixed.rclass, fixed.ttl, fixed.rdata});
    return {};
  }
  Output text;
  TRY(record.text.write(parts, text));
  TRY(parser_.parse(text.view()));
  section.push_back({response.arena.copy(parser_.owner()), parser_.type(), parser_.rclass(), parser_.ttl(),
                     response.arena.copy(parser_.rdata())});
  return {};
}

Result<Outcome> Template::answer(const Rule& rule, const QueryParts& parts, Response& response) const {
  response.rcode = rule.rcode;
  if (rule.rcode == dns::Rcode::servfail) return Outcome::send;
  response.authoritative = true;
  for (const SectionRecord& record : rule.records) {
    const Result<> added = add(record, parts, response);
    if (!added) return fail("template '{}' for {}: {}", record.text.text(), parts.name, added.error().text());
  }
  const bool wants_address = parts.query.qtype == dns::Type::a || parts.query.qtype == dns::Type::aaaa;
  if (wants_address) {
    TRY(const Outcome outcome, follow_alias(parts.query, response));
    if (outcome != Outcome::send) return outcome;
  }
  if (!rule.extended_error.empty()) {
    response.options.push_back({dns::kOptionExtendedError, as_bytes(rule.extended_error)});
  }
  return Outcome::send;
}

Result<Outcome> Template::serve(const Query& query, Response& response, Next next) const {
  const dns::NameText name(query.key);
  for (const Rule& rule : rules_) {
    const RuleZone* const zone = rule.zones.find(query);
    if (zone == nullptr || !fits(rule, query)) continue;
    std::array<std::string_view, regex::kMaxGroups> groups;
    groups[0] = name.view();
    std::span<const std::string_view> match(groups.data(), 1);
    std::span<const GroupName> group_names;
    bool matched = rule.patterns.empty();
    for (const Pattern& pattern : rule.patterns) {
      const std::size_t count = std::min(pattern.regex.groups() + 1, groups.size());
      matched = pattern.regex.match(name.view(), std::span(groups).first(count));
      if (!matched) continue;
      match = std::span(groups).first(count);
      group_names = pattern.groups;
      break;
    }
    if (!matched) {
      if (dns::is_under_any(query.key, rule.fallthrough)) continue;
      response.rcode = dns::Rcode::servfail;
      return Outcome::send;
    }
    // Of ANY in the question the rule's own.
    const std::string rclass = to_string(query.qclass == dns::Class::any ? rule.rclass : query.qclass);
    const std::string type = to_string(query.qtype == dns::Type::any ? rule.type : query.qtype);
    return answer(rule, {query, zone->text, name.view(), rclass, type, match, group_names}, response);
  }
  return next(query, response);
}

}  // namespace swage::plugins::template_
