#include "core/server/handover.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/log.h"
#include "core/server/child.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr const char* kVariable = "SWAGE_TAKES_OVER";  // the number of the channel's descriptor
constexpr auto kMaxBeginning = 6min;                   // more than a configuration may take to be set up
constexpr int kSilence = 10'000;                       // milliseconds between two messages of what is handed over

// The service manager's watchdog is for whoever is its main process by then, and the sockets that it handed over are
// handed over with the others.
constexpr std::string_view kNotForSuccessor[] = {"WATCHDOG_PID=", "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES="};

std::vector<std::string> successor_environment() {
  std::vector<std::string> variables;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view variable = *each;
    bool is_for_it = true;
    for (const std::string_view name : kNotForSuccessor) is_for_it = is_for_it && !variable.starts_with(name);
    if (is_for_it) variables.emplace_back(variable);
  }
  variables.push_back(fmt::format("{}={}", kVariable, kChannelDescriptor));
  return variables;
}

// As exec() wants them, with a nullptr at the end.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::optional<int> descriptor_of_environment() {
  const char* const text = std::getenv(kVariable);
  if (text == nullptr) return std::nullopt;
  int descriptor = -1;
  const char* const end = text + std::strlen(text);
  const bool is_number = std::from_chars(text, end, descriptor).ptr == end;
  unsetenv(kVariable);  // not for what this program starts
  if (!is_number || descriptor <= STDERR_FILENO || fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) return std::nullopt;
  return descriptor;
}

}  // namespace

Invocation Invocation::of_this_process(int count, char** arguments) {
  std::error_code error;
  return {std::filesystem::read_symlink("/proc/self/exe", error).string(),
          std::vector<std::string>(arguments, arguments + count), descriptor_of_environment()};
}

Successor::Successor(pid_t pid, Channel channel)
    : pid_(pid), channel_(std::move(channel)), patience_(steady_now() + kMaxBeginning) {}

Successor::Successor(Successor&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      channel_(std::move(other.channel_)),
      patience_(other.patience_),
      serves_(other.serves_) {}

Successor::~Successor() {
  if (pid_ > 0 && !serves_) kill(pid_, SIGKILL);
}

Result<Successor> Successor::start(const Invocation& invocation) {
  TRY(auto ends, Channel::pair());
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends.second.socket().get(), kChannelDescriptor);
  std::vector<std::string> arguments = invocation.arguments, environment = successor_environment();
  pid_t pid = -1;
  const int error = posix_spawn(&pid, invocation.program.c_str(), &files, nullptr, pointers(arguments).data(),
                                pointers(environment).data());
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) return fail("{} cannot be started: {}", invocation.program, std::strerror(error));
  return Successor(pid, std::move(ends.first));
}

bool Successor::take_ready() {
  bool ready = false;
  static_cast<void>(channel_.receive([&](Packet packet) {  // that it is gone is heard by SIGCHLD
    ready = ready || std::holds_alternative<message::Ready>(decode<FromSuccessor>(std::move(packet)));
    return !ready;
  }));
  return ready;
}

Predecessor::Predecessor(int descriptor) : channel_(Descriptor(descriptor)) {}

Result<bool> Predecessor::receive_all(const Take& take) {
  bool complete = false;
  Result<> taken;
  while (!complete) {
    pollfd waiting{channel_.socket().get(), POLLIN, 0};
    if (poll(&waiting, 1, kSilence) == 0) return fail("the supervisor in force says nothing");
    const Result<> received = channel_.receive([&](Packet packet) {
      FromPredecessor message = decode<FromPredecessor>(std::move(packet));
      complete = std::holds_alternative<message::HandedOver>(message);
      if (!complete) taken = take(std::move(message));
      return !complete && taken;
    });
    if (!taken) return std::unexpected(taken.error());
    if (!received) return false;
  }
  return true;
}

bool Predecessor::receive(const Take& take) {
  return channel_
      .receive([&](Packet packet) {
        if (const Result<> taken = take(decode<FromPredecessor>(std::move(packet))); !taken) {
          log::error("upgrade: {}", taken.error().text());
        }
        return true;
      })
      .has_value();
}

}  // namespace swage::server
