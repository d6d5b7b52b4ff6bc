#include "plugins/file/file.h"

#include <ctime>

#include "core/counted.h"
#include "core/log.h"
#include "core/zonefile/reader.h"

namespace swage::plugins::file {

File::File(const std::vector<ServedZone>& zones) {
  for (const ServedZone& zone : zones) zones_.add(zone.apex, zone);
}

Result<Outcome> File::serve(const Query& query, Response& response, Next next) const {
  const ServedZone* const zone = query.qclass == dns::Class::in ? zones_.authority(query) : nullptr;
  if (zone == nullptr) return next(query, response);
  const Bytes image = zone->snapshot->bytes();
  if (image.empty()) return fail("zone {} is not loaded", zone->apex.to_string());
  zone::View(image).answer(query, response);
  if (response.rcode == dns::Rcode::nxdomain && dns::is_under_any(query.key, zone->fallthrough)) {
    response.clear_answer();
    return next(query, response);
  }
  return Outcome::send;
}

Result<> ZoneService::prepare() {
  file_.remember();
  Result<shm::Segment> image = load();
  if (!image) {
    zone_.stale.set(1);
    return std::unexpected(zone_.directive.error(image.error().text()));
  }
  TRY(zone_.snapshot->publish(*std::move(image)));
  announce();
  return {};
}

async::Task<Result<>> ZoneService::run(Host& host) {
  const auto read = [this] { return load(); };
  const auto take_it = [this](Result<shm::Segment> image) { return take(std::move(image)); };
  co_await follow(host, file_, read, take_it);
  co_return Result<>();
}

Result<> ZoneService::take(Result<shm::Segment> image) const {
  if (!image) {
    zone_.failures.add();
    zone_.stale.set(1);
    return fail("{}; the zone stays as it was", image.error().text());
  }
  if (const Result<> published = zone_.snapshot->publish(*std::move(image)); !published) {
    return fail("{}: {}", zone_.path, published.error().text());
  }
  announce();
  return {};
}

// On any thread. Says what is doubtful, and what is wrong where the Error is not all of it.
Result<shm::Segment> ZoneService::load() const {
  zone::Builder builder(zone_.apex);
  Result<shm::Segment> image = load(builder);
  const zone::Report& report = builder.report();
  for (const std::string& line : report.warnings()) log::warning("plugin/file: {}", line);
  if (report.errors().size() > 1) {
    for (const std::string& line : report.errors()) log::error("plugin/file: {}", line);
  }
  return image;
}

Result<shm::Segment> ZoneService::load(zone::Builder& builder) const {
  TRY(zonefile::read_file(zone_.path, zone_.apex, builder));
  TRY(shm::Segment image, shm::Segment::create("swage " + zone_.snapshot->name(), builder.image_size()));
  builder.write(image.writable_bytes());
  TRY(zone::View::check(image.bytes()));
  return image;
}

void ZoneService::announce() const {
  const zone::View zone(zone_.snapshot->bytes());
  zone_.serial.set(zone.serial());
  zone_.loaded.set(static_cast<double>(std::time(nullptr)));
  zone_.stale.set(0);
  zone_.signatures.set(static_cast<double>(zone.signatures_expire_at(std::time(nullptr)).value_or(0)));
  log::info("plugin/file: {}: {}, serial {}, from {}", zone_.apex.to_string(), counted(zone.records(), "record"),
            zone.serial(), zone_.path);
}

}  // namespace swage::plugins::file
