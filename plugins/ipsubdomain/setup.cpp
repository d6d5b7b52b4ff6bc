// Reads the directive: ipsubdomain [ZONES...] { ttl DURATION|SECONDS ; fallthrough [ZONES...] }
#include <algorithm>

#include "plugins/ipsubdomain/ipsubdomain.h"

namespace swage::plugins::ipsubdomain {
namespace {

// One more zone.
Result<> add_zone(Controller& controller, const config::Token& written, ForgeZone zone, std::vector<ForgeZone>& zones) {
  if (!dns::is_under_any(zone.apex, controller.zones())) {
    return controller.fail_at(written, "zone {} is not in the zones of this server block", zone.apex.to_string());
  }
  if (std::ranges::find(zones, zone.apex, &ForgeZone::apex) != zones.end()) {
    return controller.fail_at(written, "zone {} has an ipsubdomain already", zone.apex.to_string());
  }
  zones.push_back(std::move(zone));
  return {};
}

// One occurrence of the directive: its zones, which share its properties.
Result<> read_directive(Controller& controller, std::vector<ForgeZone>& zones) {
  TRY(std::vector<dns::Name> apexes, controller.remaining_zones());
  std::sort(apexes.begin(), apexes.end());
  apexes.erase(std::unique(apexes.begin(), apexes.end()), apexes.end());  // the keys a:53 and a:54 are one zone
  const config::Token written = controller.token();
  ForgeZone like;
  TRY(controller.read_block({
      {"ttl", [&] { return assign(like.ttl, controller.expect_ttl()); }},
      {"fallthrough", [&] { return assign(like.fallthrough, controller.remaining_zones()); }},
  }));
  for (const dns::Name& apex : apexes) {
    like.apex = apex;
    TRY(add_zone(controller, written, like, zones));
  }
  return {};
}

}  // namespace

Result<> setup(Controller& controller) {
  std::vector<ForgeZone> zones;
  while (controller.next()) TRY(read_directive(controller, zones));
  const std::string zone = controller.zones().front().to_string();
  const denylist::Denylist denylist(controller.snapshot(denylist::Denylist::name(zone)), &controller.metrics());
  std::vector<dns::Name> apexes;
  for (const ForgeZone& each : zones) apexes.push_back(each.apex);
  controller.metadata().add("forge/peerid", peer_id_in(apexes));
  controller.metadata().add("forge/ip", address_in(apexes));
  controller.add(std::make_unique<const IpSubdomain>(std::move(zones), denylist, Responses(controller.metrics())));
  return {};
}

}  // namespace swage::plugins::ipsubdomain
