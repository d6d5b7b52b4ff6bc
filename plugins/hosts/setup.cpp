// Reads the directive: hosts [FILE [ZONES...]] { ADDRESS NAME... ; ttl SECONDS ; no_reverse ; reload DURATION ;
// fallthrough [ZONES...] ; fallthrough_unsupported }
#include "core/config/values.h"
#include "plugins/hosts/hosts.h"
#include "plugins/hosts/hosts_builder.h"
#include "plugins/hosts/hosts_file.h"

namespace swage::plugins::hosts {
namespace {

constexpr std::uint32_t kMaxTtl = 65535;  // CoreDNS's

Result<> read_ttl(Controller& controller, Settings& settings) {
  TRY(const std::string_view text, controller.expect_arg("seconds"));
  const auto ttl = config::parse_integer<std::uint32_t>(text, 1, kMaxTtl);
  if (!ttl) return std::unexpected(controller.error("ttl: {}", ttl.error().text()));
  settings.ttl = *ttl;
  return controller.expect_end();
}

Result<> read_reload(Controller& controller, Settings& settings) {
  TRY(const std::string_view text, controller.expect_arg("a duration"));
  const auto duration = config::parse_duration(text);
  if (!duration) return std::unexpected(controller.error("reload: {}", duration.error().text()));
  settings.reload = std::chrono::ceil<std::chrono::milliseconds>(*duration);
  return controller.expect_end();
}

// A line of the block that is an entry, as in the file.
Result<> read_entry(Controller& controller, const Settings& settings, HostsBuilder& entries) {
  const auto address = parse_host_address(controller.val());
  if (!address) {
    return std::unexpected(
        controller.unknown_property({"ttl", "no_reverse", "reload", "fallthrough", "fallthrough_unsupported"}));
  }
  if (!settings.fallthrough.empty()) {
    return std::unexpected(controller.error("hosts: entries stand before fallthrough"));
  }
  const config::Token start = controller.token();
  bool named = false;
  while (controller.next_arg()) {
    named = true;
    const auto name = dns::Name::parse(controller.val());
    if (!name) return std::unexpected(controller.error("hosts: {}", name.error().text()));
    TRY(entries.add(*address, name->lowercased()));
  }
  if (!named) {
    controller.warn(start.error(fmt::format("hosts: '{}' has no name after it; the line is ignored", start.text)));
  }
  return {};
}

Result<> read_property(Controller& controller, Settings& settings, HostsBuilder& entries) {
  const std::string& word = controller.val();
  if (word == "ttl") return read_ttl(controller, settings);
  if (word == "reload") return read_reload(controller, settings);
  if (word == "no_reverse") {
    settings.reverse = false;
    return controller.expect_end();
  }
  if (word == "fallthrough") {
    TRY(settings.fallthrough, controller.remaining_zones());
    return {};
  }
  if (word == "fallthrough_unsupported") {
    settings.fallthrough_unsupported = true;
    return controller.expect_end();
  }
  return read_entry(controller, settings, entries);
}

}  // namespace

Result<> setup(Controller& controller) {
  Settings settings;
  controller.next();
  settings.directive = controller.token();
  if (controller.next_arg()) {
    if (controller.val().empty()) return std::unexpected(controller.error("hosts: expected the path of a file"));
    settings.path = controller.path(controller.val());
    settings.path_given = true;
  }
  TRY(settings.zones, controller.remaining_zones());
  HostsBuilder entries;
  while (controller.next_block()) TRY(read_property(controller, settings, entries));
  if (controller.next()) return std::unexpected(controller.error("directive 'hosts' twice in a server block"));
  if (settings.fallthrough_unsupported && settings.fallthrough.empty()) {
    return std::unexpected(settings.directive.error("hosts: fallthrough_unsupported requires fallthrough"));
  }
  entries.finish();
  settings.inline_image.resize((entries.image_size() + 7) / 8);
  entries.write(MutableBytes(reinterpret_cast<std::uint8_t*>(settings.inline_image.data()), entries.image_size()));
  // Blocks that look at the same file in the same rhythm share what was read.
  settings.snapshot = &controller.snapshot(fmt::format("hosts {} {}", settings.path, settings.reload.count()));
  if (settings.snapshot->claim()) {
    controller.add(std::make_unique<HostsService>(settings.path, settings.path_given, settings.directive,
                                                  settings.reload, *settings.snapshot));
  }
  controller.add(std::unique_ptr<const Plugin>(std::make_unique<HostsPlugin>(std::move(settings))));
  return {};
}

}  // namespace swage::plugins::hosts
