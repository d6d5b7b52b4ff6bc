// What a supervisor does in an upgrade: the one in force, and the one that takes its place; see handover.h.
#include <unistd.h>

#include <fmt/format.h>

#include "core/log.h"
#include "core/server/activation.h"
#include "core/server/service_manager.h"
#include "core/server/supervisor.h"

namespace swage::server {
namespace {

template <typename... F>
struct Cases : F... {
  using F::operator()...;
};

}  // namespace

void Supervisor::request_upgrade() {
  if (shutting_down_ || shut_down_at_) return;
  if (successor_) {
    log::info("Upgrading: one is under way");
  } else if (getpid() == 1) {
    upgrade_failed("this is the first process of its container, which would end with it; start a new container");
  } else if (options_.corefile == "stdin") {
    upgrade_failed("stdin cannot be read again");
  } else {
    upgrade_wanted_ = true;
  }
}

Result<> Supervisor::start_upgrade() {
  TRY(Successor successor, Successor::start(options_.invocation));
  Channel& channel = successor.channel();
  channel.send(message::TakeOver{.generations_begun = generations_begun_});
  TRY(std::vector<message::HeldSocket> held, sockets_.all());
  for (message::HeldSocket& socket : held) channel.send(std::move(socket));
  if (control_.exists()) {
    TRY(Descriptor copy, control_.socket().duplicate());
    channel.send(message::HeldControl{control_.path(), std::move(copy)});
  }
  TRY(current()->hand_over(channel));
  TRY(metrics_.hand_over(channel));
  channel.send(message::HandedOver{});
  successor_.emplace(std::move(successor));
  return {};
}

void Supervisor::upgrade_failed(const std::string& why) {
  log::error("Upgrade failed: {}; this program serves on", why);
  notify_service_manager("STATUS=the last upgrade failed: " + log::one_line(why));
  successor_.reset();
  settle_upgrade(0, why);
}

// One that leaves may be waited for, too.
void Supervisor::settle_upgrade(pid_t successor, const std::string& problem) {
  ++upgrades_settled_;
  for (const auto& each : generations_) each->tell_upgrades({upgrades_settled_, successor, problem});
}

void Supervisor::exchange_with_successor() {
  if (!successor_) return;
  successor_->channel().flush();
  if (!successor_->is_serving() && successor_->take_ready()) hand_over_to_successor();
}

// It serves already: the processes of this one may go, and then this one.
void Supervisor::hand_over_to_successor() {
  successor_->serves();
  log::info("Upgrade: pid {} serves; finishing what was begun", successor_->pid());
  notify_service_manager(fmt::format("MAINPID={}", successor_->pid()));
  settle_upgrade(successor_->pid(), "");
  reloads_.leave();
  control_.leave();
  shutting_down_ = true;
  for (const auto& generation : generations_) generation->leave(kDrain, kReplaced);
  successor_->channel().send(message::Start{});
}

bool Supervisor::reap_successor(pid_t pid, int status) {
  if (!successor_ || successor_->pid() != pid) return false;
  successor_->ended();
  if (successor_->is_serving()) {
    log::error("Upgrade: the process that serves (pid {}) {}", pid, describe_exit(status));
    exit_status_ = 1;
  } else {
    upgrade_failed(fmt::format("{} (pid {}) {}", options_.invocation.program, pid, describe_exit(status)));
  }
  return true;
}

Result<> Supervisor::take_over() {
  TRY(const bool is_there,
      predecessor_->receive_all([this](FromPredecessor message) { return hear_predecessor(std::move(message)); }));
  if (!is_there) lose_predecessor();
  return {};
}

Result<> Supervisor::hear_predecessor(FromPredecessor message) {
  return std::visit(
      Cases{[this](const message::TakeOver& beginning) -> Result<> {
              if (beginning.version != message::TakeOver::kVersion) {
                return swage::fail("the supervisor in force hands over in a way that swage-" SWAGE_VERSION
                                   " does not know: restart the server for this upgrade");
              }
              generations_begun_ = beginning.generations_begun;
              return {};
            },
            [this](message::HeldSocket& held) -> Result<> {
              sockets_.give(held.transport, held.endpoint, std::move(held.socket));
              return {};
            },
            [this](message::HeldControl& held) -> Result<> {
              control_ = ControlSocket::taken_over(std::move(held.path), std::move(held.socket));
              return {};
            },
            [this](message::Memory& memory) -> Result<> {
              if (Generation* const following = next()) {
                following->inherit_new(memory.name, memory.memory);
              } else if (current() == nullptr) {
                handed_over_[memory.name] = std::move(memory.memory);
              }
              return {};
            },
            [this](message::ProcessMetrics& process) { return metrics_.take_over(std::move(process), services()); },
            [this](message::PastMetrics& past) { return metrics_.take_over(std::move(past)); },
            [this](const message::ProcessEnded& ended) -> Result<> {
              metrics_.end_taken_over(ended.pid, services());
              return {};
            },
            [this](const message::Start&) -> Result<> {
              predecessor_->left();
              control_.own_file();
              if (current() != nullptr) tell_in_force();
              return {};
            },
            [](const message::HandedOver&) -> Result<> { return {}; },
            [](const message::Forbidden&) -> Result<> {
              return swage::fail("the supervisor in force says what is unknown");
            }},
      message);
}

void Supervisor::exchange_with_predecessor() {
  if (!predecessor_) return;
  predecessor_->channel().flush();
  if (predecessor_->receive([this](FromPredecessor message) { return hear_predecessor(std::move(message)); })) return;
  lose_predecessor();
}

void Supervisor::lose_predecessor() {
  if (waits_for_predecessor()) {
    control_.own_file();
    log::warning("Upgrade: the supervisor before this one is gone; going on without it");
    if (current() != nullptr) tell_in_force();
  }
  metrics_.end_all_taken_over(services());
  predecessor_.reset();
}

void Supervisor::take_activated_sockets() {
  for (message::HeldSocket& socket : activated_sockets()) {
    sockets_.give(socket.transport, socket.endpoint, std::move(socket.socket));
  }
}

}  // namespace swage::server
