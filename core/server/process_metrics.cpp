#include "core/server/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace swage::server {
namespace {

struct Stat {
  std::uint64_t cpu = 0;           // clock ticks of its own
  std::uint64_t children_cpu = 0;  // and of its children that have ended
  std::uint64_t started = 0;       // clock ticks after boot
  std::uint64_t virtual_size = 0;  // bytes
  std::uint64_t resident = 0;      // pages
};

// /proc/PID/stat (proc(5)); its second field, in parentheses, may hold anything.
std::optional<Stat> read_stat(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(file, text) || text.rfind(')') == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::vector<std::string> words;
  for (std::string word; fields >> word;) words.push_back(word);
  if (words.size() < 22) return std::nullopt;
  const auto number = [&](std::size_t field) { return std::strtoull(words[field - 3].c_str(), nullptr, 10); };
  return Stat{number(14) + number(15), number(16) + number(17), number(22), number(23), number(24)};
}

std::vector<pid_t> children_of(pid_t parent) {
  std::ifstream file(fmt::format("/proc/{}/task/{}/children", parent, parent));
  std::vector<pid_t> children;
  for (pid_t pid = 0; file >> pid;) children.push_back(pid);
  return children;
}

std::uint64_t boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    std::uint64_t seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

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
  Stat sum;
  for (const pid_t child : children_of(supervisor)) {
    const auto stat = read_stat(child);
    if (!stat) continue;
    sum.cpu += stat->cpu + stat->children_cpu;
    sum.virtual_size += stat->virtual_size;
    sum.resident += stat->resident;
  }
  const auto parent = read_stat(supervisor);
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
