// Reads the directive: file DBFILE [ZONES...] { reload DURATION ; fallthrough [ZONES...] ; zonemd check|off|generate ;
// images FOLDER ;
// update { … } ; sign { … } }
#include <algorithm>
#include <ranges>

#include <fmt/format.h>

#include "core/signing/key_service.h"
#include "plugins/file/file.h"

namespace swage::plugins::file {
namespace {

constexpr std::size_t kMaxShown = 500;                 // zones of a server block that have metrics
constexpr auto kUpdateTime = std::chrono::seconds(8);  // a service process is replaced in it, a large zone built
constexpr std::chrono::milliseconds kReload = std::chrono::minutes(1);

// Clients that update a zone may sign the query for its SOA, too. Without *tsig* the block knows no key, which is told
// before the chain, unless it says that it has keys.
void let_signed_in(Controller& controller) {
  static const swage::tsig::Ring kNone;
  if (controller.block().keys == nullptr) controller.block().keys = &kNone;
}

// What does not go with the other properties, or with the zones before.
Result<> check_update(const Controller& controller, const UpdateOptions& update, const ServedZone& zone,
                      const std::vector<ServedZone>& others) {
  if (!zone.images.empty()) {
    return controller.fail_at(update.directive, "update: 'images' are not kept of a zone that takes updates");
  }
  if (zone.zonemd.made) {
    return controller.fail_at(update.directive,
                              "update: 'zonemd generate' is for zones that take no updates, or are signed here");
  }
  for (const ServedZone& other : others) {
    if (other.update == nullptr || other.update->journal != update.journal) continue;
    return controller.fail_at(update.directive, "update: the journal {} is that of {}", update.journal,
                              other.apex.to_string());
  }
  return {};
}

// A digest covers signatures, so whoever signs makes it.
void give_digest_to_signer(ServedZone& zone) {
  if (zone.zonemd.made) {
    SigningOptions options = *zone.sign;
    options.settings.policy.zonemd = zonemd::reserved(*zone.zonemd.made);
    zone.sign = std::make_shared<const SigningOptions>(std::move(options));
  }
  zone.zonemd.made.reset();
}

// One occurrence of the directive: its zones, which share file and properties.
Result<> read_directive(Controller& controller, std::vector<ServedZone>& zones) {
  TRY(const std::string path, controller.expect_path("the path of a zone file"));
  const config::Token directive = controller.token();
  ServedZone like{{}, path, nullptr, nullptr, kReload, directive, {}};
  TRY(const std::vector<dns::Name> apexes, controller.remaining_zones());
  std::optional<UpdateOptions> update;
  TRY(controller.read_block({
      {"reload", [&] { return assign(like.reload, controller.expect_duration()); }},
      {"fallthrough", [&] { return assign(like.fallthrough, controller.remaining_zones()); }},
      {"images", [&] { return assign(like.images, controller.expect_path("the path of a folder")); }},
      {"zonemd", [&] { return assign(like.zonemd, zonemd::parse_policy(controller.remaining_args())); }},
      {"reload_by_mtime", [] { return Result<>(); }},
      {"upstream", [&] { return controller.ignore(); }},
      {"update", [&] { return read_update(controller, apexes, path, update); }},
      {"sign", [&] { return read_sign(controller, like.sign); }},
  }));
  if (like.sign) give_digest_to_signer(like);
  if (update) {
    TRY(check_update(controller, *update, like, zones));
    like.update = std::make_shared<const UpdateOptions>(*std::move(update));
  }
  for (const dns::Name& apex : apexes) {
    const auto earlier = std::ranges::find(zones, apex, &ServedZone::apex);
    if (earlier != zones.end()) {
      return controller.fail_at(directive, "zone {} is already served from {}", apex.to_string(), earlier->path);
    }
    like.apex = apex;
    like.snapshot = &controller.snapshot(fmt::format("file {} {}", apex.to_string(), like.path));
    if (controller.block().has("transfer")) {
      like.journal = &controller.snapshot(fmt::format("file journal {} {}", apex.to_string(), like.path));
    }
    if (like.update != nullptr) {
      like.requests = &controller.fetch("update " + apex.to_string());
      like.requests->wait_at_most(kUpdateTime);
      let_signed_in(controller);
    }
    zones.push_back(like);
  }
  if (like.sign) signing::add_key_service(controller, like.sign->keys, apexes);
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
  if (zone.update) zone.updates = update_figures(metrics, zone.apex);
  if (!zone.sign) return;
  zone.made_signatures =
      metrics.counter("swage_zone_signatures_made_total", "Signatures that were made for the zone.", labels);
  zone.sign_failures =
      metrics.counter("swage_zone_sign_failures_total", "Times that the zone could not be signed.", labels);
}

}  // namespace

Result<> setup(Controller& controller) {
  std::vector<ServedZone> zones;
  while (controller.next()) TRY(read_directive(controller, zones));
  for (ServedZone& zone : zones | std::views::take(kMaxShown)) show(controller.metrics(), zone);
  for (const ServedZone& zone : zones) {
    auto service = std::make_unique<ZoneService>(zone);
    std::unique_ptr<Service> updates;
    std::unique_ptr<Service> signs;
    if (zone.update) updates = std::make_unique<UpdateService>(*service);
    if (zone.sign) signs = std::make_unique<SignService>(*service);
    controller.add(std::move(service));
    if (updates) controller.add(std::move(updates));
    if (signs) controller.add(std::move(signs));
  }
  auto file = std::make_unique<const File>(std::move(zones));
  controller.block().zone_sources.push_back(file.get());
  controller.add(std::move(file));
  return {};
}

}  // namespace swage::plugins::file
