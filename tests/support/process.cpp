#include "tests/support/process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "tests/support/loopback.h"

namespace swage::tests {
namespace {

using Clock = std::chrono::steady_clock;

std::string find_program(std::string_view program) {
  if (program.find('/') != std::string_view::npos) {
    return access(std::string(program).c_str(), X_OK) == 0 ? std::string(program) : "";
  }
  const char* path = std::getenv("PATH");
  std::string_view folders = path == nullptr ? "" : path;
  const std::string all = fmt::format("{}:/usr/sbin:/sbin:/usr/bin:/bin:", folders);
  for (std::size_t at = 0, colon = 0; (colon = all.find(':', at)) != std::string::npos; at = colon + 1) {
    const std::string candidate = fmt::format("{}/{}", all.substr(at, colon - at), program);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view name = std::string_view(*entry).substr(0, std::strcspn(*entry, "="));
    bool replaced = false;
    for (const auto& [key, value] : command.environment) replaced |= key == name;
    if (!replaced) result.emplace_back(*entry);
  }
  for (const auto& [key, value] : command.environment) result.push_back(key + "=" + value);
  return result;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

// All that exec needs, made before fork: between fork and exec only async-signal-safe calls are allowed.
struct Image {
  std::string program;
  std::string folder;
  std::vector<std::string> arguments, environment;
  std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  int null, output, errors;
  pid_t parent;
};

[[noreturn]] void become(const Image& image) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != image.parent) _exit(126);  // it died before prctl
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  dup2(image.null, 0);
  dup2(image.output, 1);
  dup2(image.errors, 2);
  if (image.folder.empty() || chdir(image.folder.c_str()) == 0) {
    execve(image.program.c_str(), image.argv.data(), image.envp.data());
  }
  const char text[] = "cannot start the program\n";
  [[maybe_unused]] const ssize_t written = write(2, text, sizeof text - 1);
  _exit(127);
}

std::string contents(int file) {
  std::string text;
  std::array<char, 65536> piece;
  for (ssize_t got; (got = pread(file, piece.data(), piece.size(), static_cast<off_t>(text.size()))) > 0;) {
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

bool wait_until(const std::function<bool()>& done, Milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  auto pause = std::chrono::microseconds(500);
  while (!done()) {
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(10000));
  }
  return true;
}

std::string ExitStatus::to_string() const { return fmt::format("{} {}", signalled ? "signal" : "exit", code); }

Result<Process> Process::start(const Command& command) {
  std::string program = find_program(command.arguments.at(0));
  if (program.empty()) return fail("not installed: {}", command.arguments[0]);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int output = memfd_create("stdout", MFD_CLOEXEC);
  const int errors = memfd_create("stderr", MFD_CLOEXEC);
  CHECK(null >= 0 && output >= 0 && errors >= 0);
  const Image image{.program = std::move(program),
                    .folder = command.folder,
                    .arguments = command.arguments,
                    .environment = environment_of(command),
                    .null = null,
                    .output = output,
                    .errors = errors,
                    .parent = getpid()};
  const pid_t pid = fork();
  if (pid == 0) become(image);
  close(null);
  Process process(pid, output, errors);
  if (pid < 0) return fail("fork: {}", std::strerror(errno));
  setpgid(pid, pid);  // here too: whoever comes first, the group exists when start() returns
  return process;
}

Process::Process(Process&& other) noexcept { *this = std::move(other); }

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(output_, other.output_);
  std::swap(errors_, other.errors_);
  std::swap(status_, other.status_);
  return *this;
}

Process::~Process() {
  kill_group();
  if (pid_ > 0 && !status_) static_cast<void>(wait(Milliseconds(10000)));
  if (output_ >= 0) close(output_);
  if (errors_ >= 0) close(errors_);
}

bool Process::running() { return !wait(Milliseconds(0)); }

std::optional<ExitStatus> Process::wait(Milliseconds deadline) {
  static_cast<void>(wait_until(
      [this] {
        if (status_) return true;
        int status = 0;
        if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
        status_ = WIFSIGNALED(status) ? ExitStatus{true, WTERMSIG(status)} : ExitStatus{false, WEXITSTATUS(status)};
        return true;
      },
      deadline));
  return status_;
}

void Process::signal(int number) const {
  if (pid_ > 0 && !status_) ::kill(pid_, number);
}

void Process::kill_group() const {
  if (pid_ > 0) ::kill(-pid_, SIGKILL);
}

std::string Process::output() const { return contents(output_); }

std::string Process::errors() const { return contents(errors_); }

bool Process::wait_for(std::string_view text, Milliseconds deadline) {
  const auto written = [&] { return log().find(text) != std::string::npos; };
  static_cast<void>(wait_until([&] { return written() || !running(); }, deadline));
  return written();
}

std::vector<pid_t> children(pid_t parent, std::string_view text) {
  std::vector<pid_t> pids;
  const std::string number = std::to_string(parent);
  std::ifstream list("/proc/" + number + "/task/" + number + "/children");
  for (pid_t pid; list >> pid;) {
    const std::string command = read_file("/proc/" + std::to_string(pid) + "/cmdline");
    if (command.find(text) != std::string::npos) pids.push_back(pid);
  }
  return pids;
}

bool installed(std::string_view program) { return !find_program(program).empty(); }

Result<std::string> run(const Command& command, Milliseconds deadline) {
  TRY(Process process, Process::start(command));
  const auto status = process.wait(deadline);
  if (!status) return fail("{} takes too long\n{}", command.arguments[0], process.log());
  if (!status->clean()) return fail("{}: {}\n{}", command.arguments[0], status->to_string(), process.log());
  return process.output();
}

}  // namespace swage::tests
