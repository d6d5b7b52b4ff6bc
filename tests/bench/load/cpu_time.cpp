#include "tests/bench/load/cpu_time.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include <fmt/format.h>

namespace swage::bench {
namespace {

namespace fs = std::filesystem;

struct Process {
  pid_t id = 0;
  pid_t parent = 0;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
};

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// /proc/PID/stat: "ID (COMMAND) STATE PARENT …", the times are fields 14 and 15; COMMAND may hold anything.
std::optional<Process> parse_stat(const std::string& text) {
  const auto after_command = text.rfind(") ");
  if (after_command == std::string::npos) return std::nullopt;
  Process process;
  std::from_chars(text.data(), text.data() + text.size(), process.id);
  std::istringstream fields(text.substr(after_command + 2));
  std::string skipped;
  fields >> skipped >> process.parent;
  for (int field = 5; field < 14; ++field) fields >> skipped;
  fields >> process.user >> process.system;
  return process;
}

std::vector<Process> all_processes() {
  std::vector<Process> processes;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (const auto process = parse_stat(read_file(entry.path() / "stat"))) processes.push_back(*process);
  }
  return processes;
}

std::uint64_t run_time(pid_t id) {
  std::uint64_t sum = 0;
  std::error_code error;
  for (const auto& task : fs::directory_iterator(fmt::format("/proc/{}/task", id), error)) {
    std::istringstream fields(read_file(task.path() / "schedstat"));
    std::uint64_t run = 0;
    if (fields >> run) sum += run;
  }
  return sum;
}

}  // namespace

Result<CpuTime> cpu_time(const std::vector<pid_t>& roots) {
  const auto processes = all_processes();
  std::vector<pid_t> tree = roots;
  for (std::size_t i = 0; i < tree.size(); ++i) {  // grows while it is walked
    for (const Process& process : processes) {
      const bool known = std::ranges::find(tree, process.id) != tree.end();
      if (process.parent == tree[i] && !known) tree.push_back(process.id);
    }
  }
  CpuTime sum;
  for (const pid_t id : tree) {
    const auto process = std::ranges::find(processes, id, &Process::id);
    if (process == processes.end()) return fail("no process {}", id);
    sum.run += run_time(id);
    sum.user += process->user;
    sum.system += process->system;
  }
  return sum;
}

}  // namespace swage::bench
