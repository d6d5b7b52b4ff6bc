#include "core/server/child_process.h"

#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "core/log.h"
#include "core/server/child.h"

namespace swage::server {

namespace {

using namespace std::chrono_literals;

constexpr auto kGrace = 3s;                // beyond the time that a child was given
constexpr auto kKillAgain = 2s;            // where a child is killed, and does not end
constexpr std::size_t kMaxASecond = 1000;  // messages of a child that is ready; more have to wait in its channel

// What a program's loader, its C library and sanitizers read; and what the libraries of Services do. All else stays
// with the supervisor: what was in a process's environment when it was started remains in its memory, and what the
// Corefile names of it is in the recorded Sources.
constexpr std::array<std::string_view, 11> kForAll = {
    "LD_*", "*SAN_OPTIONS", "GLIBC_TUNABLES",    "MALLOC_*", "TZ",       "TZDIR",
    "LANG", "LC_*",         "LLVM_PROFILE_FILE", "GCOV_*",   "OPENSSL_*"};
constexpr std::array<std::string_view, 1> kForFetchers = {"SSL_CERT_*"};
constexpr std::array<std::string_view, 9> kForServices = {"PATH",    "HOME",    "TMPDIR",      "SSL_CERT_*", "CURL_*",
                                                          "*_proxy", "*_PROXY", "RES_OPTIONS", "LOCALDOMAIN"};

// `pattern` is a name, or has a '*' at one end.
bool matches(std::string_view name, std::string_view pattern) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  if (pattern.starts_with('*')) return name.ends_with(pattern.substr(1));
  return name == pattern;
}

// `more`: for a service.
bool is_for(std::string_view variable, Role role, std::span<const std::string_view> more) {
  const std::string_view name = variable.substr(0, variable.find('='));
  const auto any_of = [name](std::span<const std::string_view> patterns) {
    return std::ranges::any_of(patterns, [name](std::string_view pattern) { return matches(name, pattern); });
  };
  return any_of(kForAll) || (role.is_fetch() && any_of(kForFetchers)) ||
         (role.is_service() && (any_of(kForServices) || any_of(more)));
}

// With a nullptr at the end.
std::vector<char*> environment_for(Role role, std::span<const std::string_view> more) {
  std::vector<char*> variables;
  for (char** each = environ; *each != nullptr; ++each) {
    if (is_for(*each, role, more)) variables.push_back(*each);
  }
  variables.push_back(nullptr);
  return variables;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(Role role, unsigned generation,
                                         std::span<const std::string_view> service_variables) {
  TRY(auto ends, Channel::pair());
  ChildProcess child{role.name(), role, std::move(ends.first), generation};

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends.second.socket().get(), kChannelDescriptor);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // The child has our mask: the signals that are for the supervisor stay blocked until become_child() ignores them.

  std::string program = "swage";
  std::string kind = fmt::format("@{}", role.kind_name());
  std::string index = std::to_string(role.number);
  std::string form = log::form().json ? "json" : "time";
  const bool plain = !log::form().json && !log::form().time;
  const std::array<char*, 5> arguments = {program.data(), kind.data(), index.data(), plain ? nullptr : form.data(),
                                          nullptr};
  const std::vector<char*> environment = environment_for(role, service_variables);
  // /proc/self/exe: the same binary, whatever lies at its path by now.
  const int error =
      posix_spawn(&child.pid, "/proc/self/exe", &files, &attributes, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail("the process '{}' cannot be started: {}", child.name, std::strerror(error));
  return child;
}

void ChildProcess::become_ready() {
  ready = true;
  said = 0;
  allowance_began = beat = steady_now();
}

bool ChildProcess::may_speak() {
  if (!ready) return true;
  const SteadyTime now = steady_now();
  if (now - allowance_began >= 1s) {
    allowance_began = now;
    said = 0;
  }
  return said < kMaxASecond;
}

void ChildProcess::kill() const {
  if (pid > 0) ::kill(pid, SIGKILL);
}

void ChildProcess::condemn(const std::string& why) {
  if (condemned) return;
  condemned = true;
  log::error("the process '{}' (pid {}) is killed: {}", name, pid, why);
  kill();
}

void ChildProcess::drain(std::chrono::milliseconds time) {
  const SteadyTime last = steady_now() + time + kGrace;
  if (kill_at && *kill_at <= last) return;
  channel.send(message::Drain{time});
  kill_at = last;
}

void ChildProcess::kill_if_late() {
  if (!kill_at || *kill_at > steady_now()) return;
  condemn("it did not finish when it was told to");
  kill();
  kill_at = steady_now() + kKillAgain;
}

std::string describe_exit(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return fmt::format("killed by signal {} ({})", WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
  }
  return fmt::format("exited with status {}", WEXITSTATUS(wait_status));
}

}  // namespace swage::server
