// The processes of the server, and its zones, in a Report. In the service process.
#pragma once

#include "core/plugin/report.h"
#include "core/server/configuration.h"
#include "core/server/scraper.h"

namespace swage::server {

// The supervisor first. `scraper` knows of which configuration each is.
void report_processes(const Scraper& scraper, Report& report);

// Of all server blocks.
void report_zones(const Configuration& configuration, Report& report);

}  // namespace swage::server
