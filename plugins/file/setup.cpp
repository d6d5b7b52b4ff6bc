// Reads the directive: file DBFILE [ZONES...] { reload DURATION ; fallthrough [ZONES...] }
#include <ranges>

#include "core/config/values.h"
#include "plugins/file/file.h"

namespace swage::plugins::file {
namespace {

constexpr std::size_t kMaxShown = 500;  // zones of a server block that have metrics
constexpr std::chrono::milliseconds kReload = std::chrono::minutes(1);

Result<> read_property(Controller& controller, ServedZone& like) {
  if (controller.val() == "reload") {
    TRY(const std::string_view text, controller.expect_arg("a duration"));
    const auto duration = config::parse_duration(text);
    if (!duration) return std::unexpected(controller.error("reload: {}", duration.error().text()));
    like.reload = std::chrono::ceil<std::chrono::milliseconds>(*duration);
    return controller.expect_end();
  }
  if (controller.val() == "fallthrough") {
    TRY(like.fallthrough, controller.remaining_zones());
    return {};
  }
  if (controller.val() == "upstream") {
    static_cast<void>(controller.remaining_args());
    return {};
  }
  return std::unexpected(controller.unknown_property({"reload", "fallthrough", "upstream"}));
}

// One occurrence of the directive: its zones, which share file and properties.
Result<> read_directive(Controller& controller, std::vector<ServedZone>& zones) {
  TRY(const std::string_view written, controller.expect_arg("the path of a zone file"));
  if (written.empty()) return std::unexpected(controller.error("file: expected the path of a zone file, not nothing"));
  const config::Token directive = controller.token();
  ServedZone like{{}, controller.path(written), nullptr, kReload, directive, {}};
  TRY(const std::vector<dns::Name> apexes, controller.remaining_zones());
  while (controller.next_block()) TRY(read_property(controller, like));
  for (const dns::Name& apex : apexes) {
    for (const ServedZone& earlier : zones) {
      if (earlier.apex == apex) {
        return std::unexpected(
            directive.error(fmt::format("zone {} is already served from {}", apex.to_string(), earlier.path)));
      }
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
  controller.add(std::unique_ptr<const Plugin>(std::make_unique<FilePlugin>(zones)));
  return {};
}

}  // namespace swage::plugins::file
