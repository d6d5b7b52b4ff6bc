#include "core/control/zones.h"

#include "core/text.h"
#include "core/zone/view.h"

namespace swage::control {
namespace {

Report::Zone zone_of(const ZoneVersion& version, const std::string& view, std::int64_t now) {
  const zone::View image(version.image.bytes);
  Report::Zone zone;
  zone.name = lower_case(image.apex().to_string());
  zone.view = view;
  zone.loaded = true;
  zone.serial = image.serial();
  zone.records = image.records();
  zone.signatures_expire = image.signatures_expire_at(now);
  return zone;
}

}  // namespace

void report_zones(const ZoneSource& source, const std::string& view, std::int64_t now, Report& report) {
  const auto is_full = [&report] { return report.more = report.more || report.zones.size() >= report.most; };
  source.for_each([&](const ZoneVersion& version) {
    if (!is_full()) report.add(report.zones, zone_of(version, view, now));
  });
  static_cast<void>(source.for_each_apex([&](dns::NameView apex) {
    if (is_full() || source.find(apex)) return;
    Report::Zone zone;
    zone.name = apex.to_string();
    zone.view = view;
    report.add(report.zones, std::move(zone));
  }));
}

}  // namespace swage::control
