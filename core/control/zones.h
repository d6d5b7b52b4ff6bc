// The zones of a ZoneSource in a Report.
#pragma once

#include <ctime>
#include <string>

#include "core/plugin/report.h"
#include "core/plugin/zone_source.h"

namespace swage::control {

// `view`: of the server block. `now`: seconds since 1970. A microsecond a zone.
void report_zones(const ZoneSource& source, const std::string& view, std::int64_t now, Report& report);

}  // namespace swage::control
