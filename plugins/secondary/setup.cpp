// Reads the directive: secondary [ZONES...] { transfer from ADDRESS... ; source_address ADDRESS ; tsig KEY ; directory
// DIR ; refresh LEAST [MOST] ; max_size SIZE ; catalog ; fallthrough [ZONES...] }
#include <algorithm>
#include <ranges>

#include <fmt/format.h>

#include "plugins/secondary/secondary.h"

namespace swage::plugins::secondary {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kMostPrimaries = 16;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 40;
constexpr std::size_t kMaxShown = 500;  // zones of a server block that have metrics
constexpr std::chrono::seconds kLeastRefresh{1}, kMostRefresh{2'419'200};

// transfer from ADDRESS...
Result<> read_transfer(Controller& controller, Settings& settings) {
  TRY(const std::string_view word, controller.expect_arg("'from'"));
  if (word == "to") return controller.fail("zones are sent by the directive 'transfer' of the server block");
  if (word != "from") return controller.fail("expected 'from', not '{}'", word);
  if (!controller.has_arg()) return controller.fail("expected the address of a primary after 'from'");
  while (controller.has_arg()) {
    TRY(const Endpoint primary, controller.expect_endpoint(kDnsPort));
    if (settings.primaries.size() == kMostPrimaries) return controller.fail("more than {} primaries", kMostPrimaries);
    settings.primaries.push_back(primary);
  }
  return {};
}

// tsig KEY
Result<> read_key(Controller& controller, Settings& settings) {
  TRY(const std::string_view word, controller.expect_arg("the name of a key"));
  const Result<dns::Name> name = dns::Name::parse(word);
  if (!name || name->view().is_root()) return controller.fail("'{}' is not the name of a key", word);
  settings.key = name->lowercased();
  settings.keys = controller.block().keys;
  if (settings.keys == nullptr) return controller.fail("the server block has no directive 'tsig' with the key");
  return {};
}

// refresh LEAST [MOST]
Result<> read_refresh(Controller& controller, Settings& settings) {
  using std::chrono::ceil;
  using std::chrono::seconds;
  TRY(const auto least, controller.expect_duration(kLeastRefresh, kMostRefresh));
  settings.refresh.least = ceil<seconds>(least);
  settings.refresh.most = std::max(settings.refresh.most, settings.refresh.least);
  if (!controller.has_arg()) return {};
  TRY(const auto most, controller.expect_duration(settings.refresh.least, kMostRefresh));
  settings.refresh.most = ceil<seconds>(most);
  return {};
}

Figures figures_of(metrics::Registry& metrics, const dns::Name& apex) {
  const metrics::Labels labels = {{"zone", apex.to_string()}};
  Figures figures;
  figures.serial = metrics.gauge("swage_zone_serial", "The serial number of the zone's SOA record.", labels);
  figures.confirmed = metrics.gauge("swage_secondary_confirmed_timestamp_seconds",
                                    "When a primary last confirmed the zone, or transferred it; 0: never.", labels);
  figures.expire =
      metrics.gauge("swage_secondary_expire_seconds", "After how long without confirmation the zone expires.", labels);
  figures.expired = metrics.gauge("swage_secondary_expired",
                                  "Whether the zone has expired: no primary has confirmed it in time.", labels);
  figures.signatures = metrics.gauge("swage_zone_signature_expiry_timestamp_seconds",
                                     "When the first of the zone's signatures expires; 0 where it has none.", labels);
  figures.transfers =
      metrics.counter("swage_secondary_transfers_total", "Transfers of the zone that succeeded.", labels);
  figures.failures =
      metrics.counter("swage_secondary_failures_total", "Times that no primary had the zone for us.", labels);
  return figures;
}

CatalogFigures catalog_figures_of(metrics::Registry& metrics, const dns::Name& apex) {
  const metrics::Labels labels = {{"catalog", apex.to_string()}};
  CatalogFigures figures;
  figures.members = metrics.gauge("swage_secondary_catalog_members", "Zones that are members of the catalog.", labels);
  figures.missing = metrics.gauge("swage_secondary_catalog_members_missing",
                                  "Members that were not transferred yet, or have expired.", labels);
  figures.broken =
      metrics.gauge("swage_secondary_catalog_broken", "Whether the last version of the catalog is broken.", labels);
  return figures;
}

// What all occurrences of the directive say.
struct Zones {
  std::vector<ServedZone> zones;
  std::vector<ServedCatalog> catalogs;
  std::map<dns::Name, unsigned> lines;  // where each is named
};

Result<> add_zone(Controller& controller, const std::shared_ptr<const Settings>& settings, const dns::Name& apex,
                  Zones& all) {
  const config::Token& directive = settings->directive;
  const auto [earlier, is_new] = all.lines.emplace(apex, directive.line);
  if (!is_new) {
    return controller.fail_at(directive, "zone {} is already a secondary in line {}", apex.to_string(),
                              earlier->second);
  }
  // The same when another line of the Corefile changes: what was served before a reload is found again.
  const std::string name = fmt::format("secondary{} {} {} {}", settings->catalog ? " catalog" : "", apex.to_string(),
                                       settings->folder, controller.block().view);
  shm::Snapshot& snapshot = controller.snapshot(name);
  if (!snapshot.claim()) {
    return controller.fail_at(
        directive, "zone {} is a secondary in another server block, too, and needs a view or another directory here",
        apex.to_string());
  }
  if (settings->catalog) {
    all.catalogs.push_back({settings, apex, &snapshot});
  } else {
    shm::Snapshot* const journal =
        controller.block().has("transfer") ? &controller.snapshot("journal of " + name) : nullptr;
    all.zones.push_back({settings, apex, &snapshot, journal});
  }
  return {};
}

// One occurrence of the directive: its zones, which share primaries and properties.
Result<> read_directive(Controller& controller, Zones& all) {
  const config::Token directive = controller.token();
  auto settings = std::make_shared<Settings>();
  settings->directive = directive;
  settings->view = controller.block().view;
  TRY(const std::vector<dns::Name> apexes, controller.remaining_zones());
  const auto is_catalog = [&settings] {
    settings->catalog = true;
    return Result<>();
  };
  TRY(controller.read_block({
      {"transfer", [&] { return read_transfer(controller, *settings); }},
      {"source_address", [&] { return assign(settings->source, controller.expect_address()); }},
      {"tsig", [&] { return read_key(controller, *settings); }},
      {"directory", [&] { return assign(settings->folder, controller.expect_path("a folder")); }},
      {"refresh", [&] { return read_refresh(controller, *settings); }},
      {"max_size", [&] { return assign(settings->limits.bytes, controller.expect_size(1, kMostBytes)); }},
      {"catalog", is_catalog},
      {"fallthrough", [&] { return assign(settings->fallthrough, controller.remaining_zones()); }},
      {"upstream", [&] { return controller.ignore(); }},
  }));
  if (settings->primaries.empty()) {
    return controller.fail_at(directive, "expected a line 'transfer from ADDRESS' with the zone's primary");
  }
  for (const dns::Name& apex : apexes) TRY(add_zone(controller, settings, apex, all));
  return {};
}

}  // namespace

Result<> setup(Controller& controller) {
  Zones all;
  while (controller.next()) TRY(read_directive(controller, all));
  const config::Token& place = controller.occurrence();
  Fetch& notified = controller.fetch(fmt::format("secondary {}:{}", place.file, place.line));
  metrics::Registry& metrics = controller.metrics();
  const metrics::Counters notifies = metrics.counters(
      "swage_secondary_notifies_total", "NOTIFY messages for secondary zones.", {}, {{"result", {"taken", "refused"}}});
  auto service = std::make_unique<SecondaryService>(notified, controller.shared(Budget::kMemory));
  for (std::size_t i = 0; i < all.zones.size(); ++i) {
    service->add(all.zones[i], i < kMaxShown ? figures_of(metrics, all.zones[i].apex) : Figures());
  }
  for (const ServedCatalog& each : all.catalogs) {
    service->add(each, figures_of(metrics, each.apex), catalog_figures_of(metrics, each.apex));
  }
  controller.add(std::move(service));
  auto plugin = std::make_unique<const Secondary>(all.zones, std::move(all.catalogs), notified, notifies);
  controller.block().zone_sources.push_back(plugin.get());
  controller.add(std::unique_ptr<const Plugin>(std::move(plugin)));
  return {};
}

}  // namespace swage::plugins::secondary
