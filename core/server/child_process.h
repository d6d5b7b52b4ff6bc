// A child as the supervisor sees it: its process and the channel to it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/server/channel.h"
#include "core/server/pulse.h"
#include "core/server/role.h"

namespace swage::server {

using SteadyTime = std::chrono::steady_clock::time_point;
[[nodiscard]] inline SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

struct ChildProcess {
  std::string name;  // for the log: that of its role
  Role role;
  Channel channel;
  unsigned generation;  // the number of its configuration
  pid_t pid = -1;
  SteadyTime started = steady_now();
  bool ready = false;
  bool runs = false;                    // the service process: it was told to run
  bool condemned = false;               // it was killed for what it said, or did not do
  std::optional<SteadyTime> kill_at{};  // set when it was told to finish
  Pulse pulse{};
  std::uint64_t beats = 0;              // the pulse when it was looked at last
  std::chrono::nanoseconds cpu_time{};  // that it had had by then
  SteadyTime beat{};                    // when the pulse was new
  SteadyTime allowance_began{};         // of what it may say in a second
  std::size_t said = 0;                 // of that

  // Runs this same binary again, in that role. Of this process's environment it has what its kind needs, the service
  // also `service_variables`.
  [[nodiscard]] static Result<ChildProcess> start(Role role, unsigned generation,
                                                  std::span<const std::string_view> service_variables);

  // It is set up, and begins to beat.
  void become_ready();
  // Publications cost the supervisor and all dns processes something: a second has room for so many of them.
  [[nodiscard]] bool may_speak();

  void kill() const;
  // Kills a child that does not do what it is there for; `why`: for the log. It is replaced when its end is noticed.
  void condemn(const std::string& why);
  // Tells it to finish within `time`; it is killed 3 s after that. A second call can only shorten it.
  void drain(std::chrono::milliseconds time);
  // Kills it, if it was told to finish and has not. It may be in the kernel's hands: then again.
  void kill_if_late();
};

// How a child ended, in words: "exited with status 1", "killed by signal 9 (Killed)".
[[nodiscard]] std::string describe_exit(int wait_status);

}  // namespace swage::server
