// Reads the block: update { secrets FILE ; key NAME may change PATTERN… TYPES… ; journal PATH ; serial … }
#include <algorithm>

#include "core/dns/record_types.h"
#include "plugins/file/file.h"

namespace swage::plugins::file {
namespace {

Result<update::Pattern> read_pattern(Controller& controller, const dns::Name& apex) {
  const auto pattern = update::Pattern::parse(controller.val());
  if (!pattern) return controller.fail("{}", pattern.error().text());
  if (!pattern->name().is_under(apex)) {
    return controller.fail("'{}' is not in the zone {}", controller.val(), apex.to_string());
  }
  return *pattern;
}

// A word with a dot is a pattern, one without is a type; patterns come first.
Result<> read_types(Controller& controller, update::Rule& rule, bool& any) {
  const std::string& word = controller.val();
  if (word == "any") {
    any = true;
    return {};
  }
  const auto type = dns::parse_type(word);
  if (!type) {
    return controller.fail("'{}' is neither a type nor a name with a dot", word);
  }
  if (dns::is_meta_type(*type) || update::is_of_signer(*type))
    return controller.fail("{} records cannot be changed by updates", word);
  rule.types.push_back(*type);
  return {};
}

// key NAME may change PATTERN… TYPES…
Result<update::Rule> read_key(Controller& controller, const dns::Name& apex) {
  update::Rule rule;
  TRY(const std::string_view name, controller.expect_arg("the name of a key"));
  const auto key = dns::Name::parse(name);
  if (!key) return controller.fail("{}", key.error().text());
  rule.key = key->lowercased();
  TRY(controller.one_of({"may"}));
  TRY(controller.one_of({"change"}));
  bool any = false;
  while (controller.next_arg()) {
    const bool is_pattern = controller.val().find('.') != std::string::npos;
    const bool has_types = any || !rule.types.empty();
    if (!is_pattern || has_types) {
      TRY(read_types(controller, rule, any));
      continue;
    }
    TRY(const update::Pattern pattern, read_pattern(controller, apex));
    rule.patterns.push_back(pattern);
  }
  if (rule.patterns.empty()) return controller.fail("expected a name or *.NAME of {}", apex.to_string());
  if (!any && rule.types.empty()) return controller.fail("expected types, or 'any'");
  if (any && !rule.types.empty()) return controller.fail("'any' and other types");
  return rule;
}

Result<update::SerialPolicy> read_serial(Controller& controller) {
  TRY(const std::string_view word, controller.one_of({"increment", "unixtime", "date"}));
  if (word == "unixtime") return update::SerialPolicy::unixtime;
  return word == "date" ? update::SerialPolicy::date : update::SerialPolicy::increment;
}

}  // namespace

Result<> read_update(Controller& controller, const std::vector<dns::Name>& zones, const std::string& zone_file,
                     std::optional<UpdateOptions>& update) {
  const config::Token directive = controller.token();
  if (update) return controller.fail_at(directive, "update: stands twice");
  if (zones.size() != 1) {
    return controller.fail_at(directive, "update: is for one zone; write a file directive for each");
  }
  UpdateOptions options{directive, "", zone_file + ".journal"};
  TRY(controller.read_block({
      {"secrets", [&] { return assign(options.secrets, controller.expect_path("the path of a file with keys")); }},
      {"key",
       [&]() -> Result<> {
         TRY(update::Rule rule, read_key(controller, zones.front()));
         options.settings.rules.add(std::move(rule));
         return {};
       }},
      {"journal", [&] { return assign(options.journal, controller.expect_path("the path of a journal")); }},
      {"serial", [&] { return assign(options.settings.serial, read_serial(controller)); }},
  }));
  if (options.secrets.empty()) return controller.fail_at(directive, "update: expected 'secrets FILE' in its block");
  if (options.settings.rules.empty()) {
    return controller.fail_at(directive, "update: expected 'key NAME may change NAME… TYPES…' in its block");
  }
  update = std::move(options);
  return {};
}

UpdateFigures update_figures(metrics::Registry& metrics, const dns::Name& zone) {
  const metrics::Labels labels = {{"zone", zone.to_string()}};
  UpdateFigures figures;
  figures.requests = metrics.counters(
      "swage_update_requests_total", "Dynamic updates, by what became of them.", labels,
      {{"result", {"applied", "unchanged", "prerequisite", "refused", "malformed", "unverified", "failed"}}});
  figures.journal = metrics.gauge("swage_update_journal_bytes", "Size of the journal of updates.", labels);
  return figures;
}

}  // namespace swage::plugins::file
