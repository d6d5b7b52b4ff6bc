#include "core/plugin/controller.h"

#include "core/config/server_key.h"

namespace swage {

Result<std::vector<dns::Name>> Controller::remaining_zones() {
  std::vector<dns::Name> zones;
  while (next_arg()) {
    const Result<std::vector<std::string>> texts = config::zones_of(val());
    if (!texts) return fail("{}", texts.error().text());
    for (const std::string& text : *texts) {
      const Result<dns::Name> zone = dns::Name::parse(text);
      if (!zone) return fail("{}", zone.error().text());
      zones.push_back(zone->lowercased());
    }
  }
  return zones.empty() ? block().zones : zones;
}

Result<std::string> Controller::expect_path(std::string_view what) {
  TRY(const std::string_view written, expect_arg(what));
  if (written.empty()) return fail("expected {}, not an empty word", what);
  return block().path(written);
}

}  // namespace swage
