// Reads the directive: catalog CATALOG { zones ZONES... ; except ZONES... ; group GROUP [ZONES...] ; coo CATALOG
// [ZONES...] }
#include <algorithm>

#include <fmt/format.h>

#include "core/dns/zones.h"
#include "plugins/catalog/catalog.h"

namespace swage::plugins::catalog {
namespace {

constexpr std::size_t kMaxText = 255;  // bytes of a character string (RFC 1035 section 3.3)

Result<dns::Name> expect_catalog(Controller& controller) {
  TRY(const std::string_view word, controller.expect_arg("the name of a catalog zone"));
  const Result<dns::Name> name = dns::Name::parse(word);
  if (!name || name->view().is_root()) return controller.fail("'{}' is not the name of a catalog zone", word);
  return name->lowercased();
}

// zones ZONES...; except ZONES...
Result<> read_zones(Controller& controller, std::vector<dns::Name>& to) {
  if (!controller.has_arg()) return controller.fail("expected zones after '{}'", controller.val());
  TRY(const std::vector<dns::Name> zones, controller.remaining_zones());
  to.insert(to.end(), zones.begin(), zones.end());
  return {};
}

// group GROUP [ZONES...]
Result<> read_group(Controller& controller, Contents& contents) {
  TRY(const std::string_view word, controller.expect_arg("the name of a group"));
  if (word.empty() || word.size() > kMaxText) return controller.fail("a group has 1 to {} bytes", kMaxText);
  Property<std::string> group{std::string(word), {}};
  TRY(group.zones, controller.remaining_zones());
  contents.groups.push_back(std::move(group));
  return {};
}

// coo CATALOG [ZONES...]
Result<> read_owner(Controller& controller, Contents& contents) {
  Property<dns::Name> owner;
  TRY(owner.value, expect_catalog(controller));
  if (owner.value == contents.apex) return controller.fail("{} has them already", owner.value.to_string());
  TRY(owner.zones, controller.remaining_zones());
  contents.owners.push_back(std::move(owner));
  return {};
}

Result<Contents> read_directive(Controller& controller) {
  Contents contents;
  TRY(contents.apex, expect_catalog(controller));
  if (contents.apex.size() > kMaxApex) return controller.fail("the name of a catalog has {} bytes at most", kMaxApex);
  if (!dns::is_under_any(contents.apex, controller.zones())) {
    return controller.fail("{} is in no zone of the server block: add it to the block's zones",
                           contents.apex.to_string());
  }
  TRY(controller.read_block({
      {"zones", [&] { return read_zones(controller, contents.zones); }},
      {"except", [&] { return read_zones(controller, contents.except); }},
      {"group", [&] { return read_group(controller, contents); }},
      {"coo", [&] { return read_owner(controller, contents); }},
  }));
  if (contents.zones.empty()) contents.zones = controller.zones();
  return contents;
}

Figures figures_of(metrics::Registry& metrics, const std::string& apex) {
  Figures figures;
  figures.members = metrics.gauge("swage_catalog_members", "Zones that a catalog lists.", {{"catalog", apex}});
  figures.serial = metrics.gauge("swage_zone_serial", "The serial number of the zone's SOA record.", {{"zone", apex}});
  return figures;
}

}  // namespace

Result<> setup(Controller& controller) {
  std::vector<ServedCatalog> catalogs;
  while (controller.next()) {
    const config::Token directive = controller.token();
    TRY(Contents contents, read_directive(controller));
    const std::string apex = contents.apex.to_string();
    // The same when another line of the Corefile changes: what was served before a reload is found again.
    const std::string name = fmt::format("catalog {} {}", apex, controller.block().view);
    shm::Snapshot& image = controller.snapshot(name);
    if (!image.claim()) return controller.fail_at(directive, "{} stands in a 'catalog' before", apex);
    catalogs.push_back({std::move(contents), &image, &controller.snapshot("journal of " + name)});
    controller.add(
        std::make_unique<CatalogService>(controller.block(), catalogs.back(), figures_of(controller.metrics(), apex)));
  }
  auto plugin = std::make_unique<const Catalogs>(std::move(catalogs));
  controller.block().zone_sources.push_back(plugin.get());
  controller.add(std::unique_ptr<const Plugin>(std::move(plugin)));
  return {};
}

}  // namespace swage::plugins::catalog
