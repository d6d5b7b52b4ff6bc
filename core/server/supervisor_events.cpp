// What the supervisor waits for: what its children say, signals, the end of children, and time.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/log.h"
#include "core/server/supervisor.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstDelay = 50ms;  // before a child is started again that ended young; doubles
constexpr auto kMostDelay = 2000ms;
constexpr auto kMostSetUp = 5min;  // for a new configuration: zones may be large
constexpr auto kGrownUp = 5s;      // a child that lived as long is started again at once

}  // namespace

void Supervisor::wait() {
  std::vector<pollfd> watched = {{signals_.get(), POLLIN, 0}};
  const auto watch = [&](std::list<ChildProcess>& children) {
    for (ChildProcess& child : children) {
      const int events = (may_speak(child) ? POLLIN : 0) | (child.channel.unsent() ? POLLOUT : 0);
      watched.push_back({child.channel.fd(), static_cast<short>(events), 0});
    }
  };
  if (current_) watch(current_->children);
  if (next_) watch(next_->children);
  watch(leaving_);
  if (poll(watched.data(), watched.size(), milliseconds_to_next_timer()) < 0 && errno != EINTR) return;

  const auto exchange = [&](Generation* generation, std::list<ChildProcess>& children) {
    for (ChildProcess& child : children) {
      child.channel.flush();
      receive(generation, child);
      if (generation != nullptr && generation != current_.get() && generation != next_.get()) return;
    }
  };
  if (Generation* const generation = next_.get()) exchange(generation, generation->children);
  if (Generation* const generation = current_.get()) exchange(generation, generation->children);
  exchange(nullptr, leaving_);
  if (watched[0].revents != 0) handle_signals();
  if (reload_again_ && !next_ && is_settled()) {
    reload_again_ = false;
    reload();
  }
  run_timers();
}

void Supervisor::handle_signals() {
  signalfd_siginfo info;
  while (read(signals_.get(), &info, sizeof info) == sizeof info) {
    switch (info.ssi_signo) {
      // What is said is what CoreDNS says.
      case SIGTERM:
        log::info("SIGTERM: Shutting down servers then terminating");
        shut_down_later();
        break;
      case SIGINT:
        log::info("SIGINT: {}", shutting_down_ ? "Force quit" : "Shutting down");
        if (shutting_down_) exit_status_ = 2;
        shut_down_later();
        break;
      case SIGQUIT:
        log::info("SIGQUIT: Quitting process immediately");
        shut_down();
        shut_down();
        break;
      case SIGHUP:
      case SIGUSR1:
        log::info("{}: Reloading", info.ssi_signo == SIGHUP ? "SIGHUP" : "SIGUSR1");
        reload();
        break;
      case SIGUSR2:
        log::warning("SIGUSR2: nothing is done; restart the server for an upgrade");
        break;
      default:
        reap();
    }
  }
}

void Supervisor::reap() {
  int status = 0;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    const auto is_it = [pid](const ChildProcess& child) { return child.pid == pid; };
    if (const auto left = std::ranges::find_if(leaving_, is_it); left != leaving_.end()) {
      keep_metrics(*left);
      leaving_.erase(left);
      continue;
    }
    for (Generation* const generation : {next_.get(), current_.get()}) {
      if (generation == nullptr) continue;
      const auto child = std::find_if(generation->children.begin(), generation->children.end(), is_it);
      if (child == generation->children.end()) continue;
      keep_metrics(*child);
      child_ended(*generation, child, status);
      break;
    }
  }
}

// A child ended that should not have. In the generation in force it is started again; elsewhere the reload is over.
void Supervisor::child_ended(Generation& generation, std::list<ChildProcess>::iterator child, int status) {
  const pid_t pid = child->pid;
  child->pid = -1;               // nobody's any more
  receive(&generation, *child);  // its last words; they may end the generation
  if (&generation != current_.get()) {
    if (&generation != next_.get()) {
      leaving_.erase(child);
      return;
    }
    const std::string why = fmt::format("the process '{}' {} while it was set up", child->name, describe_exit(status));
    generation.children.erase(child);
    abandon_next(why);
    return;
  }
  auto& delay = generation.delays[child->worker];
  if (steady_now() - child->started > kGrownUp) delay = 0ms;
  log::error("the process '{}' (pid {}) {}; it is started again{}", child->name, pid, describe_exit(status),
             delay == 0ms ? std::string() : fmt::format(" in {} ms", delay.count()));
  if (!child->worker) {
    generation.settled = false;
    generation.service_begun = steady_now();
  }
  count_restarts(*child, 1);
  generation.restarts.emplace_back(steady_now() + delay, child->worker);
  delay = std::clamp<std::chrono::milliseconds>(delay * 2, kFirstDelay, kMostDelay);
  generation.children.erase(child);
  run_timers();
}

void Supervisor::run_timers() {
  if (shut_down_at_ && *shut_down_at_ <= steady_now() && !shutting_down_) shut_down();
  for (ChildProcess& child : leaving_) {
    if (!child.kill_at || *child.kill_at > steady_now()) continue;
    child.kill(SIGKILL);
    child.kill_at = steady_now() + kMostDelay;  // it may be in the kernel's hands
  }
  if (next_ && steady_now() - next_->begun > kMostSetUp) {
    abandon_next(fmt::format("not set up within {} minutes", kMostSetUp.count()));
  }
  if (!current_) return;
  check_health();
  auto due = std::exchange(current_->restarts, {});
  for (const auto& [when, worker] : due) {
    if (when > steady_now()) {
      current_->restarts.emplace_back(when, worker);
    } else if (const Result<> started = start_child(*current_, worker); !started) {
      log::error("{}", started.error().text());
      current_->restarts.emplace_back(steady_now() + kMostDelay, worker);
    }
  }
}

// For poll(): -1 where nothing is to be done at a certain time.
int Supervisor::milliseconds_to_next_timer() const {
  std::optional<SteadyTime> next;
  const auto consider = [&](SteadyTime time) { next = next ? std::min(*next, time) : time; };
  for (const ChildProcess& child : leaving_) {
    if (child.kill_at) consider(*child.kill_at);
  }
  if (current_) {
    for (const auto& [when, worker] : current_->restarts) consider(when);
    consider(health_checked_ + Pulse::kInterval);
  }
  if (next_) consider(next_->begun + kMostSetUp);
  if (shut_down_at_ && !shutting_down_) consider(*shut_down_at_);
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - steady_now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 1));
}

}  // namespace swage::server
