// The supervisor: the one process that lasts. It reads the Corefile, owns the sockets and the shared memory, starts and
// replaces the children, and reloads. It speaks no network protocol, runs no plugin and hears nothing from outside but
// signals; what a Corefile means is found out in a child.
//
// A configuration is a Generation. A reload builds the next one beside the one in force:
//
//     read the Corefile → service: set up, prepare → open new sockets → dns processes: set up → ready: they serve
//                                                                            → the generation in force drains
//
// An upgrade is the same, with another supervisor that has the next generation (handover.h).
//
// A failure on the way ends the next generation, and nothing has changed. All this is decided in wait(): it takes what
// children, signals and time have brought, looks at what state the generations are in, and does what follows. What is
// over is removed at its end, so that until then nothing of it is gone.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/parser.h"
#include "core/config/sources.h"
#include "core/server/control_socket.h"
#include "core/server/generation.h"
#include "core/server/handover.h"
#include "core/server/metrics_keeper.h"
#include "core/server/options.h"
#include "core/server/pidfile.h"
#include "core/server/reload_record.h"
#include "core/server/socket_store.h"

namespace swage::server {

class Supervisor {
 public:
  // `sources`: what to read the Corefile from when it is read for the first time. `built_in`: the
  // plugins of this build; `find_libraries` finds the others. REQUIRES: `translations` outlive it.
  Supervisor(Options options, config::Sources sources, std::span<const PluginType> built_in,
             FindLibraries find_libraries, config::Translations translations);
  ~Supervisor();

  // From now on the signals that the supervisor handles wait for it. To be called before anything that takes time.
  static void block_signals();

  // Serves until a signal says to stop. Returns the exit status.
  [[nodiscard]] int run();

 private:
  // For children to finish what they have begun; for the service process where another one serves already: dialling
  // takes 15 s.
  static constexpr std::chrono::seconds kDrain{5}, kReplaced{20};

  // The generation in force, and the one that is to follow it; nullptr where there is none.
  [[nodiscard]] Generation* current() const { return find(Generation::State::in_force); }
  [[nodiscard]] Generation* next() const { return find(Generation::State::beginning); }
  [[nodiscard]] Generation* find(Generation::State state) const;
  [[nodiscard]] std::vector<ChildProcess*> services() const;

  [[nodiscard]] Result<> begin_first();
  [[nodiscard]] Result<> begin(config::Sources sources);
  [[nodiscard]] Result<> start_child(Generation& generation, Role role);
  [[nodiscard]] Result<> start_workers(Generation& generation);
  void advance(Generation& generation);
  void put_in_force(Generation& generation);
  void announce(const Generation& generation) const;
  void tell_in_force() const;
  void take_activated_sockets();
  void abandon(Generation& generation);
  void tell_reloads() const;
  void request_reload();
  [[nodiscard]] bool may_reload() const;
  void reload();
  void reload_failed(const std::string& why);

  // supervisor_upgrade.cpp
  void request_upgrade();
  [[nodiscard]] Result<> start_upgrade();
  void upgrade_failed(const std::string& why);
  void settle_upgrade(pid_t successor, const std::string& problem);
  void exchange_with_successor();
  void hand_over_to_successor();
  [[nodiscard]] bool reap_successor(pid_t pid, int status);
  [[nodiscard]] Result<> take_over();
  [[nodiscard]] Result<> hear_predecessor(FromPredecessor message);
  void exchange_with_predecessor();
  void lose_predecessor();
  [[nodiscard]] bool waits_for_predecessor() const { return predecessor_ && !predecessor_->has_left(); }

  void fail(const std::string& why);
  void shut_down_later();
  void shut_down();

  void wait();
  void exchange_messages();
  void handle_signals();
  void reap();
  void run_timers();
  void check_health();
  [[nodiscard]] int milliseconds_to_next_timer() const;

  Options options_;
  config::Sources first_sources_;
  std::span<const PluginType> built_in_;
  const FindLibraries find_libraries_;
  const config::Translations translations_;
  Descriptor signals_;
  std::optional<Pidfile> pidfile_;
  ControlSocket control_;
  ReloadRecord reloads_;
  SocketStore sockets_;
  std::optional<Successor> successor_;            // during an upgrade
  std::optional<Predecessor> predecessor_;        // until it has ended
  std::map<MemoryName, Descriptor> handed_over_;  // what it had published
  MetricsKeeper metrics_;
  std::vector<std::unique_ptr<Generation>> generations_;  // in the order of their numbers
  unsigned generations_begun_ = 0;
  SteadyTime health_checked_;
  SteadyTime descriptors_counted_;
  bool watchdog_ = false;  // the service manager wants to hear from us
  std::optional<SteadyTime> shut_down_at_;
  bool reload_wanted_ = false;
  bool upgrade_wanted_ = false;
  std::uint64_t upgrades_settled_ = 0;
  bool shutting_down_ = false;
  int exit_status_ = 0;
};

}  // namespace swage::server
