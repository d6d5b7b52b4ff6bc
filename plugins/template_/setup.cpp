// Reads the directive: template CLASS TYPE [ZONES...] { match REGEX... ; answer|additional|authority RR... ; rcode CODE
// ; ederror CODE [REASON] ; fallthrough [ZONES...] ; upstream }
#include <algorithm>
#include <array>
#include <ranges>

#include <fmt/format.h>

#include "core/config/values.h"
#include "plugins/template_/template.h"

namespace swage::plugins::template_ {
namespace {

Result<> read_match(Controller& controller, Rule& rule) {
  do {
    TRY(const std::string_view text, controller.expect_arg("a regular expression"));
    TRY(regex::Regex regex, regex::Regex::compile(text));
    if (regex.groups() >= regex::kMaxGroups) {
      return controller.fail("{} groups; at most {} are supported", regex.groups(), regex::kMaxGroups - 1);
    }
    rule.patterns.push_back({std::move(regex), {}});
  } while (controller.has_arg());
  return {};
}

// A record of another class than the question's could not be read by who asked.
Result<> check_class(const Rule& rule, const zonefile::RecordParser& record) {
  if (rule.rclass == dns::Class::any || record.rclass() == rule.rclass) return {};
  return fail("expected a record of class {}, not {}", to_string(rule.rclass), to_string(record.rclass()));
}

std::string doubt_of(const zonefile::RecordParser& record) {
  return record.doubt().empty() ? "" : fmt::format("{}: {}", to_string(record.type()), record.doubt());
}

// A directive as far as it is read, and where its records stand.
struct Reading {
  Rule rule{};
  std::vector<config::Token> places{};  // one for each record
};

Result<> read_records(Controller& controller, std::vector<dns::Record> Response::* section, Reading& reading) {
  do {
    TRY(const std::string_view written, controller.expect_arg("a record"));
    TRY(RecordTemplate text, RecordTemplate::parse(written));
    SectionRecord record{section, std::move(text), {}};
    if (record.text.is_constant()) {
      zonefile::RecordParser parser;
      Result<> parsed = parser.parse(written);
      if (parsed) parsed = check_class(reading.rule, parser);
      if (!parsed) return controller.fail("'{}': {}", written, parsed.error().text());
      const std::string doubt = doubt_of(parser);
      if (!doubt.empty()) {
        controller.warn(controller.error_at(controller.token(), fmt::format("'{}': {}", written, doubt)));
      }
      record.fixed = FixedRecord{parser.owner(), parser.type(), parser.rclass(), parser.ttl(),
                                 std::vector(parser.rdata().begin(), parser.rdata().end())};
    }
    reading.rule.records.push_back(std::move(record));
    reading.places.push_back(controller.token());
  } while (controller.has_arg());
  return {};
}

Result<dns::Rcode> read_rcode(Controller& controller) {
  TRY(const std::string_view text, controller.expect_arg("a response code"));
  for (std::uint16_t code = 0; code < 24; ++code) {
    const auto rcode = static_cast<dns::Rcode>(code);
    if (to_string(rcode) == text && !text.starts_with("RCODE")) return rcode;
  }
  if (text == "NOTIMPL") return dns::Rcode::notimp;  // as CoreDNS has it, too
  return controller.fail("unknown rcode '{}'", text);
}

// CODE [REASON], as the EDNS option has them.
Result<std::string> read_extended_error(Controller& controller) {
  TRY(const auto code, controller.expect_number<std::uint16_t>(0, 0xFFFF));
  std::string data(2, '\0');
  store_u16(reinterpret_cast<std::uint8_t*>(data.data()), code);
  if (controller.next_arg()) data += controller.val();
  if (data.size() > 1000) return controller.fail("the reason is too long");
  return data;
}

Result<> read_properties(Controller& controller, Reading& reading) {
  Rule& rule = reading.rule;
  const auto unsupported = [&]() -> Result<> { return controller.fail("'{}' is not supported", controller.val()); };
  return controller.read_block({
      {"match", [&] { return read_match(controller, rule); }},
      {"answer", [&] { return read_records(controller, &Response::answer, reading); }},
      {"additional", [&] { return read_records(controller, &Response::additional, reading); }},
      {"authority", [&] { return read_records(controller, &Response::authority, reading); }},
      {"rcode", [&] { return assign(rule.rcode, read_rcode(controller)); }},
      {"ederror", [&] { return assign(rule.extended_error, read_extended_error(controller)); }},
      {"fallthrough", [&] { return assign(rule.fallthrough, controller.remaining_zones()); }},
      {"upstream", [&] { return controller.ignore(); }},
      {"var", unsupported},
      {"expr", unsupported},
  });
}

// Each group that a record asks for is one of at least one expression; those with a name get their numbers.
Result<> resolve_groups(Controller& controller, const config::Token& directive, Rule& rule) {
  const auto has = [&rule](const std::string& group) {
    if (group == "0") return true;
    bool found = false;
    for (Pattern& pattern : rule.patterns) {
      const auto number = config::parse_integer(group, 0, 1000);
      if (number) {
        found = found || static_cast<std::size_t>(*number) <= pattern.regex.groups();
      } else if (const auto named = pattern.regex.group(group)) {
        found = true;
        if (std::ranges::find(pattern.groups, group, &GroupName::name) == pattern.groups.end()) {
          pattern.groups.push_back({group, *named});
        }
      }
    }
    return found;
  };
  for (const SectionRecord& record : rule.records) {
    const std::string missing = record.text.missing_group(has);
    if (missing.empty()) continue;
    return controller.fail_at(directive, "'{}': no 'match' has the group {}", record.text.text(), missing);
  }
  return {};
}

// Values for the parts of a template that a query decides.
constexpr auto kSamples =
    std::to_array<std::string_view>({"1", "10", "a", "0a", "www", "192.0.2.1", "2001:db8::1", "192-0-2-1", "A", "TXT",
                                     "00112233445566778899aabbccddeeff"});

constexpr std::size_t kMaxZonesTried = 100;

// What came of records made from samples.
struct Trial {
  bool made = false;                // one of them is right
  std::string doubt;                // about all that are right
  std::vector<std::string> errors;  // why the others are not
};

// False where one is right, and nothing is doubtful about it: then the rest need not be tried.
bool goes_on(Trial& trial, const Rule& rule, const Result<>& parsed, const zonefile::RecordParser& record) {
  Result<> done = parsed;
  if (done) done = check_class(rule, record);
  if (!done) {
    trial.errors.push_back(done.error().text());
    return true;
  }
  const std::string doubt = doubt_of(record);
  if (!trial.made || doubt.empty()) trial.doubt = doubt;
  trial.made = true;
  return !doubt.empty();
}

// Makes records of samples in one zone; see goes_on().
bool try_samples(const Rule& rule, const RecordTemplate& text, const std::string& zone, Trial& trial) {
  std::vector<GroupName> groups;
  for (const Pattern& pattern : rule.patterns) std::ranges::copy(pattern.groups, std::back_inserter(groups));
  std::vector<std::string> types = {"A", "AAAA", "TXT", "CNAME"};
  if (rule.type != dns::Type::any) types = {to_string(rule.type)};
  const std::string rclass = to_string(rule.rclass == dns::Class::any ? dns::Class::in : rule.rclass);
  const dns::Name qname = rule.zones.values().front().name;
  zonefile::RecordParser parser;
  for (const std::string_view sample : kSamples) {
    const std::string name = fmt::format("{}.{}", sample, zone == "." ? "" : zone);
    std::array<std::string_view, regex::kMaxGroups> match;
    match.fill(std::string_view(name).substr(0, sample.size()));
    match[0] = name;
    for (const std::string_view client : {"192.0.2.7", "2001:db8::7"}) {
      Query query;
      query.qname = qname;
      query.client.address = *IpAddress::parse(client);
      for (const std::string& type : types) {
        Output made;
        const QueryParts parts{query, zone, name, rclass, type, match, groups};
        Result<> done = text.write(parts, made);
        if (done) done = parser.parse(made.view());
        if (!goes_on(trial, rule, done, parser)) return false;
      }
    }
  }
  return true;
}

Trial try_samples(const Rule& rule, const RecordTemplate& text) {
  Trial trial;
  for (const RuleZone& zone : rule.zones.values() | std::views::take(kMaxZonesTried)) {
    if (!try_samples(rule, text, zone.text, trial)) break;
  }
  return trial;
}

// What would be SERVFAIL for each query is an error of the Corefile: where it is wrong whatever a query brings. Else it
// is worth a warning.
Result<> check_records(Controller& controller, const Reading& reading) {
  for (std::size_t i = 0; i < reading.rule.records.size(); ++i) {
    const SectionRecord& record = reading.rule.records[i];
    if (record.fixed) continue;
    const Trial trial = try_samples(reading.rule, record.text);
    const std::vector<std::string>& errors = trial.errors;
    const config::Token& place = reading.places[i];
    if (!trial.doubt.empty()) {
      controller.warn(controller.error_at(place, fmt::format("'{}': {}", record.text.text(), trial.doubt)));
    }
    if (trial.made) continue;
    const bool always = std::ranges::all_of(errors, [&](const std::string& each) { return each == errors.front(); });
    if (always) return controller.fail_at(place, "'{}': {}", record.text.text(), errors.front());
    const std::string text =
        fmt::format("'{}': of the values tried none makes a record ({}); a query for which there is none gets SERVFAIL",
                    record.text.text(), errors.front());
    controller.warn(controller.error_at(place, text));
  }
  return {};
}

Result<Rule> read_directive(Controller& controller) {
  const config::Token directive = controller.token();
  Reading reading;
  Rule& rule = reading.rule;
  TRY(const std::string_view rclass, controller.expect_arg("a class"));
  TRY(rule.rclass, dns::parse_class(rclass));
  TRY(const std::string_view type, controller.expect_arg("a type"));
  TRY(rule.type, dns::parse_type(type));
  TRY(const std::vector<dns::Name> zones, controller.remaining_zones());
  for (const dns::Name& zone : zones) rule.zones.add(zone, {zone, zone.to_string()});
  TRY(read_properties(controller, reading));
  TRY(resolve_groups(controller, directive, rule));
  TRY(check_records(controller, reading));
  return std::move(reading.rule);
}

}  // namespace

Result<> setup(Controller& controller) {
  std::vector<Rule> rules;
  while (controller.next()) {
    TRY(Rule rule, read_directive(controller));
    const bool takes_chaos = rule.rclass == dns::Class::ch || rule.rclass == dns::Class::any;
    if (takes_chaos) controller.block().accepts_chaos = true;
    rules.push_back(std::move(rule));
  }
  controller.add(std::unique_ptr<const Plugin>(std::make_unique<const Template>(std::move(rules))));
  return {};
}

}  // namespace swage::plugins::template_
