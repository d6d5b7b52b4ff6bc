// What the supervisor waits for: what its children say, signals, the end of children, and time.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>

#include "core/log.h"
#include "core/server/service_manager.h"
#include "core/server/supervisor.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

// A supervisor that wakes up this late was stopped itself, or the whole machine was: so silence means nothing.
constexpr auto kLate = 2s;
constexpr auto kCountEvery = 5s;  // descriptors

}  // namespace

void Supervisor::wait() {
  std::vector<pollfd> watched = {{signals_.get(), POLLIN, 0}};
  for (const auto& generation : generations_) {
    for (ChildProcess& child : generation->children()) {
      const int events = (child.may_speak() ? POLLIN : 0) | (child.channel.unsent() ? POLLOUT : 0);
      watched.push_back({child.channel.socket().get(), static_cast<short>(events), 0});
    }
  }
  for (Channel* const channel :
       {successor_ ? &successor_->channel() : nullptr, predecessor_ ? &predecessor_->channel() : nullptr}) {
    if (channel == nullptr) continue;
    watched.push_back({channel->socket().get(), static_cast<short>(POLLIN | (channel->unsent() ? POLLOUT : 0)), 0});
  }
  if (poll(watched.data(), watched.size(), milliseconds_to_next_timer()) < 0 && errno != EINTR) return;
  exchange_messages();
  if (watched[0].revents != 0) handle_signals();
  run_timers();
  if (Generation* const generation = next()) advance(*generation);
  if (Generation* const generation = current(); generation != nullptr && !waits_for_predecessor()) {
    generation->start_service(sockets_, control_, reloads_.news());
  }
  if (reload_wanted_ && !shutting_down_ && may_reload()) reload();
  if (upgrade_wanted_ && !shutting_down_ && may_reload()) {
    upgrade_wanted_ = false;
    if (const Result<> started = start_upgrade(); !started) upgrade_failed(started.error().text());
  }
  std::erase_if(generations_, [](const auto& each) { return each->is_over(); });
}

void Supervisor::exchange_messages() {
  for (const auto& generation : std::views::reverse(generations_)) generation->exchange_messages();
  exchange_with_predecessor();
  Generation* const in_force = current();
  if (in_force != nullptr && successor_) in_force->hand_over_news(successor_->channel());
  exchange_with_successor();
  if (in_force == nullptr || in_force->state() != Generation::State::in_force) return;
  if (in_force->take_reload_request()) request_reload();
  if (in_force->take_upgrade_request()) {
    log::info("Upgrading, as swagectl says");
    request_upgrade();
  }
  if (const auto why = in_force->take_end_request()) fail(*why);
  if (Generation* const following = next()) following->inherit_news(*in_force);
  in_force->forget_news();
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
        request_reload();
        break;
      case SIGUSR2:
        log::info("SIGUSR2: Upgrading");
        request_upgrade();
        break;
      default:
        reap();
    }
  }
}

void Supervisor::reap() {
  int status = 0;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    if (reap_successor(pid, status)) continue;
    for (const auto& generation : generations_) {
      const std::optional<ChildProcess> ended = generation->remove(pid, status);
      if (!ended) continue;
      metrics_.end(*ended, services());
      if (successor_) successor_->channel().send(message::ProcessEnded{ended->pid});
      if (generation->state() == Generation::State::in_force) metrics_.count_restart(*ended);
      break;
    }
  }
}

void Supervisor::run_timers() {
  if (shut_down_at_ && *shut_down_at_ <= steady_now() && !shutting_down_) shut_down();
  if (successor_ && !successor_->is_serving() && successor_->patience() <= steady_now()) {
    upgrade_failed("it did not serve in time");
  }
  for (const auto& generation : generations_) generation->kill_late();
  if (Generation* const generation = next()) generation->check_begun();
  Generation* const in_force = current();
  if (in_force == nullptr) return;
  check_health();
  for (const Role role : in_force->take_due()) {
    const Result<> started = start_child(*in_force, role);
    if (started) continue;
    log::error("{}", started.error().text());
    in_force->retry(role);
  }
}

// What is to be done twice a second while there is a configuration in force.
void Supervisor::check_health() {
  const SteadyTime now = steady_now();
  if (now < health_checked_ + Pulse::kInterval) return;
  const bool late = now > health_checked_ + kLate;
  health_checked_ = now;
  if (now > descriptors_counted_ + kCountEvery) {
    descriptors_counted_ = now;
    metrics_.count_descriptors();
  }
  if (watchdog_) notify_service_manager("WATCHDOG=1");
  current()->check_health(late);
}

// For poll(): -1 where nothing is to be done at a certain time.
int Supervisor::milliseconds_to_next_timer() const {
  std::optional<SteadyTime> next;
  const auto consider = [&](std::optional<SteadyTime> time) {
    if (time) next = next ? std::min(*next, *time) : *time;
  };
  for (const auto& generation : generations_) consider(generation->next_timer());
  if (successor_ && !successor_->is_serving()) consider(successor_->patience());
  if (current() != nullptr) consider(health_checked_ + Pulse::kInterval);
  if (!shutting_down_) consider(shut_down_at_);
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - steady_now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 1));
}

}  // namespace swage::server
