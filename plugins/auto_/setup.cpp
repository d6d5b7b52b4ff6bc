// Reads the directive: auto [ZONES...] { directory DIR [REGEXP ORIGIN_TEMPLATE] ; reload DURATION }
#include "core/config/values.h"
#include "plugins/auto_/auto.h"

namespace swage::plugins::auto_ {
namespace {

struct Settings {
  std::string folder;
  std::string pattern = "db\\.(.*)", origin = "{1}";
  std::chrono::milliseconds reload = std::chrono::minutes(1);
};

Result<> read_directory(Controller& controller, Settings& settings) {
  TRY(const std::string_view folder, controller.expect_arg("a folder"));
  settings.folder = controller.path(folder);
  if (!controller.next_arg()) return {};
  settings.pattern = controller.val();
  const auto pattern = regex::Regex::compile(settings.pattern);
  if (!pattern) return std::unexpected(controller.error("auto: {}", pattern.error().text()));
  if (pattern->groups() == 0) {
    return std::unexpected(controller.error("auto: '{}' has no group for the zone's name", settings.pattern));
  }
  TRY(const std::string_view origin, controller.expect_arg("an origin, '{1}' say,"));
  settings.origin = origin;
  return controller.expect_end();
}

Result<> read_property(Controller& controller, Settings& settings) {
  if (controller.val() == "directory") return read_directory(controller, settings);
  if (controller.val() == "reload") {
    TRY(const std::string_view text, controller.expect_arg("a duration"));
    const auto duration = config::parse_duration(text);
    if (!duration) return std::unexpected(controller.error("reload: {}", duration.error().text()));
    settings.reload = std::chrono::ceil<std::chrono::milliseconds>(*duration);
    return controller.expect_end();
  }
  if (controller.val() == "upstream") {
    static_cast<void>(controller.remaining_args());
    return {};
  }
  return std::unexpected(controller.unknown_property({"directory", "reload", "upstream"}));
}

}  // namespace

Result<> setup(Controller& controller) {
  controller.next();
  const config::Token directive = controller.token();
  TRY(std::vector<dns::Name> zones, controller.remaining_zones());
  Settings settings;
  while (controller.next_block()) TRY(read_property(controller, settings));
  if (controller.next()) return std::unexpected(controller.error("directive 'auto' twice in a server block"));
  if (settings.folder.empty()) return std::unexpected(directive.error("auto: expected a line 'directory DIR'"));
  TRY(regex::Regex pattern, regex::Regex::compile(settings.pattern));
  shm::Snapshot& snapshot = controller.snapshot(
      fmt::format("auto {} {} {} {}", settings.folder, settings.pattern, settings.origin, directive.line));
  controller.add(std::make_unique<AutoService>(settings.folder, FileNames{std::move(pattern), settings.origin},
                                               settings.reload, snapshot));
  controller.add(std::unique_ptr<const Plugin>(std::make_unique<const AutoPlugin>(std::move(zones), snapshot)));
  return {};
}

}  // namespace swage::plugins::auto_
