// A child process of a test: its own process group, its output kept in memory, killed when the object or the test dies.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace swage::tests {

using Milliseconds = std::chrono::milliseconds;

// Calls `done` every few milliseconds until it returns true; false when `deadline` passed first.
[[nodiscard]] bool wait_until(const std::function<bool()>& done, Milliseconds deadline);

struct ExitStatus {
  bool signalled = false;
  int code = 0;  // the exit status, or the signal's number

  [[nodiscard]] bool clean() const { return !signalled && code == 0; }
  [[nodiscard]] std::string to_string() const;  // "exit 0", "signal 9"
};

struct Command {
  std::vector<std::string> arguments{};  // the program first; looked up in PATH, and in the sbin folders
  std::vector<std::pair<std::string, std::string>> environment{};  // added to the test's own
  std::string folder{};                                            // to work in; empty: the test's own
};

class Process {
 public:
  Process() = default;  // no process
  // Starts `command` with an empty standard input. The kernel kills it when the thread that called start() ends: call
  // it from the test's main thread.
  [[nodiscard]] static Result<Process> start(const Command& command);

  // Kills the whole process group and waits for the child.
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();
  // How it ended, after waiting for it at most `deadline`; nothing if it still runs.
  [[nodiscard]] std::optional<ExitStatus> wait(Milliseconds deadline);
  void signal(int number) const;  // to the child alone; nothing happens once it has ended
  void kill_group() const;        // SIGKILL to the child and all it started in its group

  // What was written so far.
  [[nodiscard]] std::string output() const;  // standard output
  [[nodiscard]] std::string errors() const;  // standard error
  [[nodiscard]] std::string log() const { return output() + errors(); }
  // Waits until output() or errors() contains `text`; false if the process ends or `deadline` passes without it.
  [[nodiscard]] bool wait_for(std::string_view text, Milliseconds deadline);

 private:
  Process(pid_t pid, int output, int errors) : pid_(pid), output_(output), errors_(errors) {}

  pid_t pid_ = -1;
  int output_ = -1, errors_ = -1;  // memory files that the child writes to
  std::optional<ExitStatus> status_;
};

// The children of a process in whose command line `text` stands: of a swage, "@dns" and "@service".
[[nodiscard]] std::vector<pid_t> children(pid_t parent, std::string_view text);

// True if `program` is in PATH or the sbin folders; with a slash in it, if it is there.
[[nodiscard]] bool installed(std::string_view program);

// Runs a command to its end; its output, or an Error with all it wrote if it fails or takes longer than `deadline`.
[[nodiscard]] Result<std::string> run(const Command& command, Milliseconds deadline = Milliseconds(30000));

}  // namespace swage::tests
