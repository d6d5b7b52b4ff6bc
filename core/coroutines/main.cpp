// swage-check-coroutines: reads sources, and says where there is a trap of core/coroutines/traps.h. For plugins of
// other repositories, whose test runs it. Exits with 0 where there is none, 1 where there is one, 2 where it could not
// look.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "core/coroutines/traps.h"
#include "core/whole_file.h"

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSource = 4 << 20;  // bytes
constexpr const char* kUsage =
    "usage: swage-check-coroutines PATH...\n"
    "Finds what g++ 12 compiles wrongly in coroutines. PATH: a source, or a folder with .cpp, .cc, .h and .hpp files;\n"
    "folders in it whose names begin with '.' or \"build\" are left out.\n";

bool is_source(const fs::path& path) {
  const fs::path extension = path.extension();
  return extension == ".cpp" || extension == ".cc" || extension == ".h" || extension == ".hpp";
}

bool is_left_out(const fs::path& folder) {
  const std::string name = folder.filename().string();
  return name.starts_with('.') || name.starts_with("build");
}

// In the order of their names. `error` where a folder cannot be read.
std::vector<std::string> sources_in(const fs::path& folder, std::error_code& error) {
  std::vector<std::string> found;
  fs::recursive_directory_iterator at(folder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (at->is_directory() && is_left_out(at->path())) at.disable_recursion_pending();
    if (is_source(at->path()) && at->is_regular_file()) found.push_back(at->path().string());
  }
  std::ranges::sort(found);
  return found;
}

// Counts in `traps`. False where it cannot be read.
bool check(const std::string& path, std::size_t& traps) {
  const swage::Result<std::string> source = swage::read_whole_file(path, kMaxSource);
  if (!source) {
    std::fprintf(stderr, "swage-check-coroutines: %s\n", source.error().text().c_str());
    return false;
  }
  for (const swage::coroutines::Trap& trap : swage::coroutines::traps(*source)) {
    std::printf("%s:%d: %s\n", path.c_str(), trap.line, trap.text.c_str());
    ++traps;
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> paths(arguments + 1, arguments + count);
  if (paths.empty() || paths.front().starts_with('-')) {
    const bool asked = paths.size() == 1 && (paths[0] == "-h" || paths[0] == "--help" || paths[0] == "-help");
    std::fputs(kUsage, asked ? stdout : stderr);
    return asked ? 0 : 2;
  }
  std::size_t traps = 0;
  bool whole = true;
  for (const std::string& path : paths) {
    std::error_code error, ignored;
    std::vector<std::string> sources = {path};
    if (fs::is_directory(path, ignored)) sources = sources_in(path, error);
    if (error) {
      std::fprintf(stderr, "swage-check-coroutines: %s: %s\n", path.c_str(), error.message().c_str());
      whole = false;
    }
    for (const std::string& source : sources) whole = check(source, traps) && whole;
  }
  return !whole ? 2 : traps == 0 ? 0 : 1;
}
