#include "core/server/server_report.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "core/control/zones.h"
#include "core/plugin/zone_source.h"
#include "core/server/proc_stat.h"

namespace swage::server {
namespace {

// "swage dns 0", as ps shows it, is "dns 0".
std::string role_of(pid_t pid) {
  constexpr std::string_view kStart = "swage ";
  const std::string name = name_of_process(pid);
  return name.starts_with(kStart) ? name.substr(kStart.size()) : name;
}

Report::Process process(std::string name, pid_t pid, std::uint32_t configuration, std::uint64_t booted) {
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  Report::Process process;
  process.name = std::move(name);
  process.pid = pid;
  process.configuration = configuration;
  const std::optional<ProcStat> stat = ProcStat::of(pid);
  if (!stat) return process;
  process.state = stat->state;
  process.started = static_cast<Report::Time>(static_cast<double>(booted) + static_cast<double>(stat->started) / ticks);
  process.cpu = static_cast<double>(stat->cpu) / ticks;
  process.memory = stat->resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return process;
}

}  // namespace

void report_processes(const Scraper& scraper, Report& report) {
  const pid_t supervisor = getppid();
  const std::uint64_t booted = boot_time();
  report.processes.push_back(process("supervisor", supervisor, 0, booted));
  for (const pid_t child : children_of(supervisor)) {
    report.add(report.processes, process(role_of(child), child, scraper.configuration_of(child), booted));
  }
  std::ranges::stable_sort(report.processes.begin() + 1, report.processes.end(), [](const auto& a, const auto& b) {
    return std::pair(a.name.size(), a.name) < std::pair(b.name.size(), b.name);  // dns 2 before dns 10
  });
  report.server.started = report.processes.front().started;
}

void report_zones(const Configuration& configuration, Report& report) {
  const std::int64_t now = std::time(nullptr);
  for (const auto& block : configuration.blocks) {
    for (const ZoneSource* const source : block->settings.zone_sources) {
      control::report_zones(*source, block->settings.view, now, report);
    }
  }
}

}  // namespace swage::server
