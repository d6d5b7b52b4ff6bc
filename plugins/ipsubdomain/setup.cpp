// Reads the directive: ipsubdomain [ZONES...] { ttl DURATION|SECONDS ; fallthrough [ZONES...] }
#include <algorithm>
#include <chrono>

#include "core/config/values.h"
#include "core/text.h"
#include "plugins/ipsubdomain/ipsubdomain.h"

namespace swage::plugins::ipsubdomain {
namespace {

constexpr std::int64_t kMaxTtl = 2147483647;  // seconds (RFC 2181 section 8)

// "3600", or a duration of whole seconds such as "1h".
Result<std::uint32_t> parse_seconds(std::string_view text) {
  if (is_decimal(text)) return config::parse_ttl(text);
  TRY(const auto duration, config::parse_duration(text));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  if (seconds != duration) return fail("'{}' is not a whole number of seconds", text);
  if (seconds.count() > kMaxTtl) return fail("'{}' is more than {} seconds", text, kMaxTtl);
  return static_cast<std::uint32_t>(seconds.count());
}

Result<> read_property(Controller& controller, ForgeZone& like) {
  if (controller.val() == "ttl") {
    TRY(const std::string_view text, controller.expect_arg("seconds or a duration"));
    const auto ttl = parse_seconds(text);
    if (!ttl) return std::unexpected(controller.error("ttl: {}", ttl.error().text()));
    like.ttl = *ttl;
    return controller.expect_end();
  }
  if (controller.val() == "fallthrough") {
    TRY(like.fallthrough, controller.remaining_zones());
    return {};
  }
  return std::unexpected(controller.unknown_property({"ttl", "fallthrough"}));
}

// What is wrong with `apex` as one more zone; empty if nothing is.
std::string objection(const Controller& controller, const std::vector<ForgeZone>& zones, const dns::Name& apex) {
  if (!dns::is_under_any(apex, controller.zones())) {
    return fmt::format("zone {} is not in the zones of this server block", apex.to_string());
  }
  if (std::ranges::find(zones, apex, &ForgeZone::apex) != zones.end()) {
    return fmt::format("zone {} has an ipsubdomain already", apex.to_string());
  }
  return {};
}

// One occurrence of the directive: its zones, which share its properties.
Result<> read_directive(Controller& controller, std::vector<ForgeZone>& zones) {
  TRY(std::vector<dns::Name> apexes, controller.remaining_zones());
  std::sort(apexes.begin(), apexes.end());
  apexes.erase(std::unique(apexes.begin(), apexes.end()), apexes.end());  // the keys a:53 and a:54 are one zone
  const config::Token written = controller.token();
  ForgeZone like;
  while (controller.next_block()) TRY(read_property(controller, like));
  for (const dns::Name& apex : apexes) {
    const std::string wrong = objection(controller, zones, apex);
    if (!wrong.empty()) return std::unexpected(written.error(wrong));
    like.apex = apex;
    zones.push_back(like);
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
