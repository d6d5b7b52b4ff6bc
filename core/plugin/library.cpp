#include "core/plugin/library.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <fmt/format.h>

#include "core/plugin/loaded.h"

namespace swage {
namespace {

constexpr std::size_t kMostPlugins = 200;       // a Response counts directives in a byte
constexpr unsigned kMaxLoading = 10;            // seconds
constexpr std::int64_t kSettled = 100'000'000;  // nanoseconds, as FollowedFiles has it
constexpr int kLoaded = 42, kRefused = 43;      // exit statuses that no constructor is likely to choose

std::string path_of(const PluginLibrary& library) { return fmt::format("/proc/self/fd/{}", library.image.get()); }

void* open_library(const PluginLibrary& library) { return dlopen(path_of(library).c_str(), RTLD_NOW | RTLD_LOCAL); }

// What dlopen(3) says, without the path, which is not the operator's.
std::string why_not(const PluginLibrary& library) {
  std::string_view why = dlerror();
  const std::string path = path_of(library) + ": ";
  if (why.starts_with(path)) why.remove_prefix(path.size());
  return std::string(why);
}

// Whether the process survives that its constructors run. What else is wrong with it is found when it is loaded.
Result<> try_to_load(const PluginLibrary& library) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(kMaxLoading);
    _exit(open_library(library) != nullptr ? kLoaded : kRefused);
  }
  if (pid < 0) return {};
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return {};
  }
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
    return library.wrong(fmt::format("it was not loaded within {} s", kMaxLoading));
  }
  if (WIFSIGNALED(status)) {
    return library.wrong(fmt::format("it crashed when it was loaded ({})", strsignal(WTERMSIG(status))));
  }
  const int code = WEXITSTATUS(status);
  if (code != kLoaded && code != kRefused) return library.wrong("it ended the process when it was loaded");
  return {};
}

Result<Result<> (*)(Controller&)> load(const PluginLibrary& library) {
  void* const handle = open_library(library);
  if (handle == nullptr) return library.wrong(why_not(library));
  const auto* const entry = static_cast<const LoadedPlugin*>(dlsym(handle, "swage_plugin"));
  if (entry == nullptr) return library.wrong("it has no SWAGE_PLUGIN()");
  if (entry->contract != kContract) {
    return library.wrong(
        fmt::format("it was built for version {} of the contract, and this swage has {}", entry->contract, kContract));
  }
  return entry->setup;
}

}  // namespace

std::unexpected<Error> PluginLibrary::wrong(std::string_view why) const {
  return std::unexpected<Error>(std::in_place, fmt::format("{}plugin {}: {}", place, path, why));
}

Result<PluginLibrary> PluginLibrary::duplicate() const {
  TRY(Descriptor copy, image.duplicate());
  return PluginLibrary{place, path, directive, before, file, stamp, std::move(copy)};
}

bool PluginLibrary::has_changed() const {
  const FileStamp now = FileStamp::of(file);
  if (!now.exists() || now == stamp) return false;
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  const std::int64_t age = (time.tv_sec - now.seconds) * 1'000'000'000 + time.tv_nsec - now.nanoseconds;
  return age < 0 || age >= kSettled;  // < 0: the clock was set back
}

Result<PluginChain> PluginChain::of(std::span<const PluginType> built_in, std::span<const PluginLibrary> libraries,
                                    Load load) {
  PluginChain chain;
  chain.types_.assign(built_in.begin(), built_in.end());
  for (const PluginLibrary& library : libraries) TRY(chain.add(library, load));
  return chain;
}

Result<> PluginChain::add(const PluginLibrary& library, Load how) {
  const auto named = [this](std::string_view name) { return std::ranges::find(types_, name, &PluginType::name); };
  if (named(library.directive) != types_.end()) {
    return library.wrong(fmt::format("there is a directive '{}' already", library.directive));
  }
  const auto before = named(library.before);
  if (before == types_.end()) {
    return library.wrong(fmt::format("cannot stand before '{}': there is no such directive", library.before));
  }
  if (types_.size() >= kMostPlugins) return library.wrong(fmt::format("there are {} plugins already", types_.size()));
  PluginType type{.name = names_.emplace_back(library.directive), .setup = nullptr};
  if (how == Load::tried_libraries) TRY(try_to_load(library));
  if (how != Load::nothing) {
    TRY(type.setup, load(library));
  }
  types_.insert(before, type);
  return {};
}

}  // namespace swage
