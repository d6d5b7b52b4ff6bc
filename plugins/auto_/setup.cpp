// Reads the directive: auto [ZONES...] [{ directory DIR [REGEXP ORIGIN_TEMPLATE] ; reload DURATION }]
#include "core/config/values.h"

#include <fmt/format.h>

#include "core/counted.h"
#include "plugins/auto_/auto.h"

namespace swage::plugins::auto_ {
namespace {

struct Settings {
  std::string folder;
  std::string pattern = "db\\.(.*)", origin = "{1}";
  std::chrono::milliseconds reload = std::chrono::minutes(1);
};

// With the numbers of groups for their names. Each must be one of the pattern's.
Result<std::string> read_origin(const Controller& controller, const regex::Regex& pattern, std::string_view text) {
  std::string origin;
  while (true) {
    const std::size_t open = std::min(text.find('{'), text.size());
    origin += text.substr(0, open);
    text.remove_prefix(open);
    if (text.empty()) return origin;
    const std::size_t close = text.find('}');
    if (close == std::string_view::npos) return controller.fail("'{}' has no '}}'", text);
    const std::string group(text.substr(1, close - 1));
    const auto number = config::parse_integer<std::size_t>(group, 0, pattern.groups());
    const auto named = pattern.group(group);
    if (!number && !named) {
      return controller.fail("'{{{}}}': the regular expression has {}, and none of that name", group,
                             counted(pattern.groups(), "group"));
    }
    origin += fmt::format("{{{}}}", number ? *number : *named);
    text.remove_prefix(close + 1);
  }
}

// DIR [REGEXP ORIGIN_TEMPLATE]
Result<> read_directory(Controller& controller, Settings& settings) {
  TRY(settings.folder, controller.expect_path("a folder"));
  if (!controller.next_arg()) return {};
  settings.pattern = controller.val();
  TRY(const regex::Regex pattern, regex::Regex::compile(settings.pattern));
  if (pattern.groups() == 0) return controller.fail("'{}' has no group for the zone's name", settings.pattern);
  TRY(const std::string_view origin, controller.expect_arg("an origin, '{1}' say,"));
  TRY(settings.origin, read_origin(controller, pattern, origin));
  return {};
}

}  // namespace

Result<> setup(Controller& controller) {
  controller.once();
  const config::Token directive = controller.token();
  TRY(std::vector<dns::Name> zones, controller.remaining_zones());
  Settings settings;
  TRY(controller.read_block({
      {"directory", [&] { return read_directory(controller, settings); }},
      {"reload", [&] { return assign(settings.reload, controller.expect_duration()); }},
      {"upstream", [&] { return controller.ignore(); }},
  }));
  if (settings.folder.empty()) {  // as in CoreDNS: it serves no zone
    controller.warn(controller.error_at(directive, "without a line 'directory DIR' it serves nothing"));
    return {};
  }
  TRY(regex::Regex pattern, regex::Regex::compile(settings.pattern));
  // The same when another line of the Corefile changes: what was served before a reload is found again.
  shm::Snapshot& snapshot =
      controller.snapshot(fmt::format("auto {} {} {}", settings.folder, settings.pattern, settings.origin));
  const metrics::Labels labels = {{"directory", settings.folder}};
  Folder folder{settings.folder, directive};
  metrics::Registry& metrics = controller.metrics();
  folder.zones = metrics.gauge("swage_auto_zones", "Zones of a folder that are served.", labels);
  folder.failed = metrics.gauge("swage_auto_failed_files", "Zone files of a folder that cannot be loaded.", labels);
  folder.signatures =
      metrics.gauge("swage_auto_signature_expiry_timestamp_seconds",
                    "When the first signature of all zones of a folder expires; 0 where there is none.", labels);
  if (snapshot.claim()) {
    controller.add(std::make_unique<AutoService>(std::move(folder), FileNames{std::move(pattern), settings.origin},
                                                 settings.reload, snapshot, controller.block().has("transfer")));
  }
  auto plugin = std::make_unique<const Auto>(std::move(zones), snapshot);
  controller.block().zone_sources.push_back(plugin.get());
  controller.add(std::unique_ptr<const Plugin>(std::move(plugin)));
  return {};
}

}  // namespace swage::plugins::auto_
