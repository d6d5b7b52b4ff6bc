#include "core/plugin/controller.h"

#include "core/config/server_key.h"

namespace swage {

Result<std::vector<dns::Name>> Controller::remaining_zones() {
  std::vector<dns::Name> zones;
  while (next_arg()) {
    const Result<std::vector<std::string>> texts = config::zones_of(val());
    if (!texts) return std::unexpected(error("{}", texts.error().text()));
    for (const std::string& text : *texts) {
      const Result<dns::Name> zone = dns::Name::parse(text);
      if (!zone) return std::unexpected(error("{}", zone.error().text()));
      zones.push_back(zone->lowercased());
    }
  }
  return zones.empty() ? block().zones : zones;
}

}  // namespace swage
