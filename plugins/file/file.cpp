#include "plugins/file/file.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "core/counted.h"
#include "core/log.h"
#include "core/plugin/lookup.h"
#include "core/tsig/response_signer.h"
#include "core/zone/journal.h"
#include "core/zonefile/reader.h"

namespace swage::plugins::file {

namespace {

std::optional<ZoneVersion> version_of(const ServedZone& zone) {
  shm::Held image = zone.snapshot->hold();
  if (image.bytes.empty()) return {};
  return ZoneVersion{std::move(image), zone.journal == nullptr ? shm::Held() : zone.journal->hold()};
}

}  // namespace

File::File(std::vector<ServedZone> zones) : all_(std::move(zones)) {
  for (const ServedZone& zone : all_) zones_.add(zone.apex, &zone);
}

std::optional<ZoneVersion> File::find(dns::NameView apex) const {
  const ServedZone* const* const zone = zones_.at(apex);
  return zone == nullptr ? std::nullopt : version_of(**zone);
}

void File::for_each(const std::function<void(const ZoneVersion&)>& visit) const {
  for (const ServedZone& zone : all_) {
    if (const auto version = version_of(zone)) visit(*version);
  }
}

bool File::for_each_apex(const std::function<void(dns::NameView apex)>& visit) const {
  for (const ServedZone& zone : all_) visit(zone.apex);
  return true;
}

bool File::sees(dns::MessageKind kind) const {
  const auto takes_updates = [](const ServedZone& zone) { return zone.update != nullptr; };
  return kind == dns::MessageKind::query ||
         (kind == dns::MessageKind::update && std::ranges::any_of(all_, takes_updates));
}

// An UPDATE names a zone (RFC 2136 section 2.3), not a name in it.
Result<Outcome> File::hand_over(const Query& query, Response& response, Next next) const {
  const ServedZone* const* const zone = query.qclass == dns::Class::in ? zones_.at(query.key) : nullptr;
  if (zone == nullptr || (*zone)->update == nullptr) return next(query, response);
  return Relay(*(*zone)->requests).hand_over(query, response);
}

// Who is going to update a zone may ask for its SOA first, and sign that, too (certbot does). The service process alone
// has the key.
Result<Outcome> File::serve_signed(const ServedZone* zone, const Query& query, Response& response) {
  if (zone != nullptr && zone->update != nullptr && query.qtype == dns::Type::soa) {
    return Relay(*zone->requests).hand_over(query, response);
  }
  swage::tsig::refuse_key(query, response);
  return Outcome::send;
}

Result<Outcome> File::serve(const Query& query, Response& response, Next next) const {
  if (query.opcode == dns::Opcode::update) [[unlikely]]
    return hand_over(query, response, next);
  const ServedZone* const* const found = query.qclass == dns::Class::in ? zones_.authority(query) : nullptr;
  const ServedZone* const zone = found == nullptr ? nullptr : *found;
  if (query.tsig_at != 0) [[unlikely]]
    return serve_signed(zone, query, response);
  if (zone == nullptr) return next(query, response);
  const Bytes image = zone->snapshot->bytes();
  if (image.empty()) {
    add_extended_error(response, dns::ExtendedError::not_ready, "the zone is not loaded");
    return fail("zone {} is not loaded", zone->apex.to_string());
  }
  zone::View(image).answer(query, response);
  if (response.rcode == dns::Rcode::nxdomain && dns::is_under_any(query.key, zone->fallthrough)) {
    response.clear_answer();
    return next(query, response);
  }
  zone::View(image).add_options(query, response);
  return follow_out_of(zone->apex, query, response);
}

ZoneService::ZoneService(ServedZone zone)
    : zone_(std::move(zone)),
      file_("file", {zone_.path}, {.every = zone_.reload}),
      kept_(zone_.sign ? "" : zone_.images, zone_.kept_name(), zone_.path) {
  if (zone_.sign) begin_signing();
  if (zone_.update == nullptr) return;
  UpdatedZone updated{zone_.apex,
                      zone_.path,
                      zone_.snapshot,
                      [this] { return load_image(); },
                      [this](shm::Segment image) { return next_version(std::move(image)); },
                      [this](LoadedZone next) {
                        Result<> published = publish(std::move(next));
                        if (published) measure_zone();
                        return published;
                      }};
  if (zone_.sign) {
    updated.plain = [this] { return plain_; };
    updated.again = [this] { return sign(plain_); };
    updated.signed_again = [this](const Result<>& done) { report_signing(done); };
  }
  updater_ = std::make_unique<Updater>(std::move(updated), *zone_.update, *zone_.requests, zone_.updates);
}

Result<> ZoneService::prepare() {
  file_.remember();
  if (std::optional<shm::Segment> kept = kept_.read(); kept && zone::View::check(kept->bytes())) {
    TRY(Loaded loaded, with_journal({*std::move(kept)}));
    TRY(publish(std::move(loaded)));
    is_kept_ = true;
    announce();
    return {};
  }
  Result<Loaded> loaded = load();
  if (loaded && updater_) {
    loaded = with_updates(std::move(loaded->image));
  } else if (loaded && maker_) {
    loaded = next_version(std::move(loaded->image));
  }
  if (!loaded) {
    zone_.stale.set(1);
    return std::unexpected(zone_.directive.error(loaded.error().text()));
  }
  if (!loaded->image.exists()) TRY(keep_published());
  TRY(publish(*std::move(loaded)));
  announce();
  return {};
}

async::Task<Result<>> ZoneService::run(Host& host) {
  const auto read = [this] { return load(); };
  const auto take_it = [this, &host](Result<Loaded> loaded) {
    Result<> taken = take(std::move(loaded));
    if (taken) host.loop().spawn(kept_.keep(host.loop(), zone_.snapshot->hold()));
    return taken;
  };
  if (!is_kept_) co_await kept_.keep(host.loop(), zone_.snapshot->hold());
  co_await follow(host, file_, read, take_it);
  co_return Result<>();
}

// The journal before the zone: who has the new zone has the way to it, too.
Result<> ZoneService::publish(Loaded loaded) {
  if (loaded.plain) adopt_signed(loaded);
  if (!loaded.image.exists()) return {};
  if (loaded.journal) TRY(zone_.journal->publish(*std::move(loaded.journal)));
  return zone_.snapshot->publish(std::move(loaded.image));
}

Result<ZoneService::Loaded> ZoneService::with_updates(shm::Segment image) {
  TRY(shm::Segment updated, updater_->begin_with(std::move(image)));
  return next_version(std::move(updated));
}

Result<> ZoneService::take(Result<Loaded> loaded) {
  Result<> adopted;
  if (loaded && updater_) adopted = updater_->take_file(std::move(loaded->image));
  if (!loaded || !adopted) {
    zone_.failures.add();
    zone_.stale.set(1);
    return fail("{}; the zone stays as it was", (loaded ? adopted.error() : loaded.error()).text());
  }
  if (maker_ && !updater_) sign_soon(std::move(loaded->image));
  if (updater_ || maker_) {
    zone_.stale.set(0);
    return {};
  }
  if (const Result<> published = publish(*std::move(loaded)); !published) {
    return fail("{}: {}", zone_.path, published.error().text());
  }
  is_kept_ = false;
  announce();
  return {};
}

// On any thread. Says what is doubtful, and what is wrong where the Error is not all of it.
Result<ZoneService::Loaded> ZoneService::load() {
  TRY(shm::Segment image, load_image());
  if (updater_ || maker_) return Loaded{std::move(image)};  // it is not the next version yet
  return next_version(std::move(image));
}

Result<shm::Segment> ZoneService::load_image() {
  kept_.begin();
  zone::Builder builder(zone_.apex);
  Result<shm::Segment> image = load(builder);
  kept_.loaded(builder.report());
  const zone::Report& report = builder.report();
  for (const std::string& line : report.warnings()) log::warning("plugin/file: {}", line);
  if (report.errors().size() > 1) {
    for (const std::string& line : report.errors()) log::error("plugin/file: {}", line);
  }
  return image;
}

Result<shm::Segment> ZoneService::load(zone::Builder& builder) const {
  if (zone_.zonemd.made) zonemd::reserve(builder, *zone_.zonemd.made);
  TRY(zonefile::read_file(zone_.path, zone_.apex, builder));
  TRY(shm::Segment image, shm::Segment::create("swage " + zone_.snapshot->name(), builder.image_size()));
  builder.write(image.writable_bytes());
  TRY(zone::View::check(image.bytes()));
  const Result<std::string> doubt = zonemd::settle(zone_.zonemd, image.writable_bytes());
  if (!doubt) return fail("{}: zone {}: {}", zone_.path, zone_.apex.to_string(), doubt.error().text());
  if (!doubt->empty()) log::warning("plugin/file: {}: zone {}: {}", zone_.path, zone_.apex.to_string(), *doubt);
  return image;
}

// On any thread. `image` as the operator writes it.
Result<ZoneService::Loaded> ZoneService::next_version(shm::Segment image) {
  if (maker_) return sign(std::make_shared<const shm::Segment>(std::move(image)));
  return with_journal({std::move(image)});
}

// The changes since the version in force, beside the next one.
Result<ZoneService::Loaded> ZoneService::with_journal(Loaded loaded) const {
  if (zone_.journal == nullptr) return loaded;
  const Bytes before = zone_.snapshot->bytes(), next = loaded.image.bytes();
  if (zone::stays_unnoticed(before, next)) {
    log::warning("plugin/file: {}: the zone has changed, but its serial {} is not newer: secondaries will not see it",
                 zone_.path, zone::View(next).serial());
  }
  const std::vector<std::uint8_t> journal = zone::next_journal(zone_.journal->bytes(), before, next);
  if (journal.empty()) return loaded;
  TRY(loaded.journal, shm::Segment::create("swage " + zone_.journal->name(), journal.size()));
  std::ranges::copy(journal, loaded.journal->writable_bytes().begin());
  return loaded;
}

std::string ServedZone::kept_name() const {
  const int made = zonemd.made ? static_cast<int>(*zonemd.made) : 0;
  return formatted("file {} zonemd {} {}", apex.to_string(), zonemd.checked, made);
}

void ZoneService::measure_zone() const {
  const zone::View zone(zone_.snapshot->bytes());
  zone_.serial.set(zone.serial());
  zone_.loaded.set(static_cast<double>(std::time(nullptr)));
  zone_.stale.set(0);
  zone_.signatures.set(static_cast<double>(zone.signatures_expire_at(std::time(nullptr)).value_or(0)));
}

void ZoneService::announce() const {
  const zone::View zone(zone_.snapshot->bytes());
  measure_zone();
  log::info("plugin/file: {}: {}, serial {}, from {}{}", zone_.apex.to_string(), counted(zone.records(), "record"),
            zone.serial(), zone_.path, is_kept_ ? ", as it was kept" : "");
}

}  // namespace swage::plugins::file
