// Reads the directive: hosts [FILE [ZONES...]] { ADDRESS NAME... ; ttl SECONDS ; no_reverse ; reload DURATION ;
// fallthrough [ZONES...] ; fallthrough_unsupported }
#include "plugins/hosts/hosts.h"

#include <fmt/format.h>

#include "plugins/hosts/hosts_builder.h"
#include "plugins/hosts/hosts_file.h"

namespace swage::plugins::hosts {
namespace {

constexpr std::uint32_t kMaxTtl = 65535;  // CoreDNS's

// A line of the block that is an entry, as in the file.
Result<> read_entry(Controller& controller, const IpAddress& address, HostsBuilder& entries) {
  const config::Token start = controller.token();
  if (!controller.has_arg()) {
    controller.warn(
        controller.error_at(start, fmt::format("'{}' has no name after it; the line is ignored", start.text)));
  }
  while (controller.next_arg()) {
    TRY(const dns::Name name, dns::Name::parse(controller.val()));
    TRY(entries.add(address, name.lowercased()));
  }
  return {};
}

Result<> read_line(Controller& controller, Settings& settings, HostsBuilder& entries) {
  if (const auto address = parse_host_address(controller.val())) {
    if (!settings.fallthrough.empty()) return controller.fail("entries stand before fallthrough");
    return read_entry(controller, *address, entries);
  }
  return controller.read_property({
      {"ttl", [&] { return assign(settings.ttl, controller.expect_seconds(1, kMaxTtl)); }},
      {"no_reverse", [&] { return assign(settings.reverse, Result<bool>(false)); }},
      {"reload", [&] { return assign(settings.reload, controller.expect_duration()); }},
      {"fallthrough", [&] { return assign(settings.fallthrough, controller.remaining_zones()); }},
      {"fallthrough_unsupported", [&] { return assign(settings.fallthrough_unsupported, Result<bool>(true)); }},
  });
}

}  // namespace

Result<> setup(Controller& controller) {
  Settings settings;
  controller.once();
  settings.directive = controller.token();
  if (controller.has_arg()) {
    TRY(settings.path, controller.expect_path("the path of a file"));
    settings.path_given = true;
  }
  TRY(settings.zones, controller.remaining_zones());
  HostsBuilder entries;
  TRY(controller.read_lines([&] { return read_line(controller, settings, entries); }));
  if (settings.fallthrough_unsupported && settings.fallthrough.empty()) {
    return controller.fail_at(settings.directive, "fallthrough_unsupported requires fallthrough");
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
  controller.add(std::unique_ptr<const Plugin>(std::make_unique<Hosts>(std::move(settings))));
  return {};
}

}  // namespace swage::plugins::hosts
