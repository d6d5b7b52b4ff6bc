// Reads the directive: file DBFILE [ZONES...] { reload DURATION ; fallthrough [ZONES...] }
#include <algorithm>
#include <ranges>

#include "plugins/file/file.h"

namespace swage::plugins::file {
namespace {

constexpr std::size_t kMaxShown = 500;  // zones of a server block that have metrics
constexpr std::chrono::milliseconds kReload = std::chrono::minutes(1);

// One occurrence of the directive: its zones, which share file and properties.
Result<> read_directive(Controller& controller, std::vector<ServedZone>& zones) {
  TRY(const std::string path, controller.expect_path("the path of a zone file"));
  const config::Token directive = controller.token();
  ServedZone like{{}, path, nullptr, kReload, directive, {}};
  TRY(const std::vector<dns::Name> apexes, controller.remaining_zones());
  TRY(controller.read_block({
      {"reload", [&] { return assign(like.reload, controller.expect_duration()); }},
      {"fallthrough", [&] { return assign(like.fallthrough, controller.remaining_zones()); }},
      {"upstream", [&] { return controller.ignore(); }},
  }));
  for (const dns::Name& apex : apexes) {
    const auto earlier = std::ranges::find(zones, apex, &ServedZone::apex);
    if (earlier != zones.end()) {
      return controller.fail_at(directive, "zone {} is already served from {}", apex.to_string(), earlier->path);
    }
    like.apex = apex;
    like.snapshot = &controller.snapshot(fmt::format("file {} {}", apex.to_string(), like.path));
    zones.push_back(like);
  }
  return {};
}

void show(metrics::Registry& metrics, ServedZone& zone) {
  const metrics::Labels labels = {{"zone", zone.apex.to_string()}};
  zone.serial = metrics.gauge("swage_zone_serial", "The serial number of the zone's SOA record.", labels);
  zone.loaded = metrics.gauge("swage_zone_load_timestamp_seconds", "When the zone in force was read.", labels);
  zone.failures = metrics.counter("swage_zone_load_failures_total",
                                  "Times that the zone's file had changed and could not be read.", labels);
  zone.stale = metrics.gauge("swage_zone_stale", "Whether the zone's file has changed and cannot be read.", labels);
  zone.signatures = metrics.gauge("swage_zone_signature_expiry_timestamp_seconds",
                                  "When the first of the zone's signatures expires; 0 where it has none.", labels);
}

}  // namespace

Result<> setup(Controller& controller) {
  std::vector<ServedZone> zones;
  while (controller.next()) TRY(read_directive(controller, zones));
  for (ServedZone& zone : zones | std::views::take(kMaxShown)) show(controller.metrics(), zone);
  for (const ServedZone& zone : zones) controller.add(std::make_unique<ZoneService>(zone));
  controller.add(std::unique_ptr<const Plugin>(std::make_unique<File>(zones)));
  return {};
}

}  // namespace swage::plugins::file
