#include "core/server/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>

#include "core/server/proc_stat.h"

namespace swage::server {
namespace {

void append(std::string& text, std::string_view name, std::string_view type, std::string_view help, double value) {
  text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
}

}  // namespace

metrics::Gauge open_descriptors(metrics::Registry& registry) {
  return registry.gauge("process_open_fds", "Number of open file descriptors.");
}

void count_open_descriptors(const metrics::Gauge& gauge) {
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc/self/fd", error);
  if (error) return;
  // One is that of the folder itself.
  gauge.set(static_cast<double>(std::distance(entries, std::filesystem::directory_iterator()) - 1));
}

std::string process_metrics_text(std::uint64_t& cpu_ticks) {
  const pid_t supervisor = getppid();
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  ProcStat sum;
  for (const pid_t child : children_of(supervisor)) {
    const auto stat = ProcStat::of(child);
    if (!stat) continue;
    sum.cpu += stat->cpu + stat->children_cpu;
    sum.virtual_size += stat->virtual_size;
    sum.resident += stat->resident;
  }
  const auto parent = ProcStat::of(supervisor);
  if (!parent) return {};
  // A child that ends between the two looks is counted twice, or not at all: what was said before is the least.
  cpu_ticks = std::max(cpu_ticks, sum.cpu + parent->cpu + parent->children_cpu);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);

  std::string text;
  append(text, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.",
         static_cast<double>(cpu_ticks) / ticks);
  append(text, "process_max_fds", "gauge", "Maximum number of open file descriptors, of one process.",
         static_cast<double>(limit.rlim_cur));
  append(text, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes; shared pages count in each.",
         static_cast<double>(sum.resident + parent->resident) * page);
  append(text, "process_start_time_seconds", "gauge", "Start time of the server since unix epoch in seconds.",
         static_cast<double>(boot_time()) + static_cast<double>(parent->started) / ticks);
  append(text, "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.",
         static_cast<double>(sum.virtual_size + parent->virtual_size));
  return text;
}

}  // namespace swage::server
