#include "plugins/secondary/secondary.h"

#include <algorithm>
#include <ctime>

#include "core/plugin/lookup.h"
#include "core/shm/flat_map.h"
#include "core/zone/view.h"
#include "plugins/secondary/member_set.h"
#include "plugins/secondary/notify.h"

namespace swage::plugins::secondary {
namespace {

using dns::ExtendedError;
using dns::Rcode;

constexpr auto kInvalidData = static_cast<ExtendedError>(24);  // RFC 8914 section 4.25

// Says why it is not there; to be returned.
Result<Outcome> not_there(dns::NameView zone, Bytes instead, Response& response) {
  if (is_expired(instead)) {
    add_extended_error(response, kInvalidData, "the zone has expired");
    return fail("zone {} has expired", zone.to_string());
  }
  add_extended_error(response, ExtendedError::not_ready, "the zone was not transferred yet");
  return fail("zone {} was not transferred yet", zone.to_string());
}

ZoneVersion version_of(const ServedZone& zone) {
  return {zone.snapshot->hold(), zone.journal == nullptr ? shm::Held() : zone.journal->hold()};
}

std::string_view key_of(dns::NameView name) { return as_text(name.bytes()); }

enum NotifyResult : std::size_t { taken, refused };

}  // namespace

Secondary::Secondary(const std::vector<ServedZone>& zones, std::vector<ServedCatalog> catalogs, const Fetch& notified,
                     metrics::Counters notifies)
    : catalogs_(std::move(catalogs)), notified_(notified), notifies_(notifies) {
  for (const ServedZone& zone : zones) zones_.add(zone.apex, zone);
}

// `apex` in lower case. What the Corefile names comes before members of catalogs.
std::optional<Secondary::Found> Secondary::exactly(dns::NameView apex) const {
  const ServedZone* const zone = zones_.at(apex);
  if (zone != nullptr) return Found{zone->apex, zone->settings.get(), zone->snapshot->bytes()};
  for (const ServedCatalog& catalog : catalogs_) {
    const Bytes image = shm::FlatMap(catalog.members->bytes()).find(key_of(apex));
    if (!image.empty()) return Found{apex, catalog.settings.get(), image};
  }
  return std::nullopt;
}

std::optional<Secondary::Found> Secondary::authority(const Query& query) const {
  if (catalogs_.empty()) {
    const ServedZone* const zone = zones_.authority(query);
    if (zone == nullptr) return std::nullopt;
    return Found{zone->apex, zone->settings.get(), zone->snapshot->bytes()};
  }
  return dns::find_authority(query, [&](std::size_t most_labels) {
    std::optional<Found> longest;
    dns::for_each_suffix(query, most_labels, [&](std::uint64_t, dns::NameView name) {
      if (const std::optional<Found> found = exactly(name)) longest = found;
    });
    return longest;
  });
}

Result<Outcome> Secondary::serve(const Query& query, Response& response, Next next) const {
  if (query.qclass != dns::Class::in) return next(query, response);
  if (query.opcode == dns::Opcode::notify) return take_notify(query, response, next);
  const std::optional<Found> zone = authority(query);
  if (!zone) return next(query, response);
  if (!is_image(zone->image)) return not_there(zone->apex, zone->image, response);
  zone::View(zone->image).answer(query, response);
  if (response.rcode == Rcode::nxdomain && dns::is_under_any(query.key, zone->settings->fallthrough)) {
    response.clear_answer();
    return next(query, response);
  }
  zone::View(zone->image).add_options(query, response);
  return follow_out_of(zone->apex, query, response);
}

const Settings* Secondary::settings_for_notify(dns::NameView apex) const {
  const auto catalog = std::ranges::find(catalogs_, dns::Name(apex), &ServedCatalog::apex);
  if (catalog != catalogs_.end()) return catalog->settings.get();
  const std::optional<Found> zone = exactly(apex);
  return zone ? zone->settings : nullptr;
}

// RFC 1996 section 3.11. A primary is known by its address, or by the key.
Result<Outcome> Secondary::take_notify(const Query& query, Response& response, Next next) const {
  const Settings* const settings = query.qtype == dns::Type::soa ? settings_for_notify(query.key) : nullptr;
  if (settings == nullptr) return next(query, response);
  const auto is_client = [&](const Endpoint& primary) { return primary.address == query.client.address; };
  const bool has_key = !settings->key.view().is_root() && query.tsig_key == settings->key.view();
  if (!has_key && std::ranges::none_of(settings->primaries, is_client)) {
    notifies_.at(refused).add();
    add_extended_error(response, ExtendedError::prohibited, "not a primary of the zone");
    return Outcome::send;
  }
  notifies_.at(taken).add();
  response.rcode = Rcode::noerror;
  response.authoritative = true;
  notified_.ahead(response, NotifyKey(query.key, query.client.address, query.id).bytes());
  return Outcome::send;
}

std::optional<ZoneVersion> Secondary::find(dns::NameView apex) const {
  const std::optional<Found> zone = exactly(apex);
  if (!zone || !is_image(zone->image)) return std::nullopt;
  const ServedZone* const own = zones_.at(apex);
  if (own != nullptr) return version_of(*own);
  for (const ServedCatalog& catalog : catalogs_) {
    const shm::Held set = catalog.members->hold();
    const Bytes image = shm::FlatMap(set.bytes).find(key_of(apex));
    if (!image.empty()) return ZoneVersion{{image, set.memory}, {}};
  }
  return std::nullopt;
}

void Secondary::for_each(const std::function<void(const ZoneVersion& zone)>& visit) const {
  for (const ServedZone& zone : zones_.values()) {
    if (is_image(zone.snapshot->bytes())) visit(version_of(zone));
  }
  for (const ServedCatalog& catalog : catalogs_) {
    const shm::Held set = catalog.members->hold();
    shm::FlatMap(set.bytes).for_each([&](const shm::FlatMap::Entry& entry) {
      if (MemberSet::is_hidden(entry.key) || !is_image(entry.value)) return;
      visit(ZoneVersion{{entry.value, set.memory}, {}});
    });
  }
}

// A catalog that was never transferred has members that nobody here knows.
bool Secondary::for_each_apex(const std::function<void(dns::NameView apex)>& visit) const {
  for (const ServedZone& zone : zones_.values()) visit(zone.apex);
  bool knows_all = true;
  for (const ServedCatalog& catalog : catalogs_) {
    const shm::FlatMap set(catalog.members->bytes());
    const Bytes itself = set.find(MemberSet::hidden_key(catalog.apex));
    knows_all = knows_all && (is_image(itself) || is_expired(itself));
    set.for_each([&](const shm::FlatMap::Entry& entry) {
      if (!MemberSet::is_hidden(entry.key)) visit(dns::NameView(as_bytes(entry.key).data(), entry.key.size()));
    });
  }
  return knows_all;
}

}  // namespace swage::plugins::secondary
