#include "core/server/proc_stat.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include <fmt/format.h>

namespace swage::server {

// The second field, in parentheses, may hold anything.
std::optional<ProcStat> ProcStat::of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(file, text) || text.rfind(')') == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 2, text.size())));
  std::vector<std::string> words;
  for (std::string word; fields >> word;) words.push_back(word);
  if (words.size() < 22) return std::nullopt;
  const auto number = [&](std::size_t field) { return std::strtoull(words[field - 3].c_str(), nullptr, 10); };
  return ProcStat{words[0][0], number(14) + number(15), number(16) + number(17), number(22), number(23), number(24)};
}

std::string name_of_process(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/comm", pid));
  std::string name;
  std::getline(file, name);
  return name;
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

}  // namespace swage::server
