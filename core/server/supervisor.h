// The supervisor: the one process that lasts. It reads the Corefile, owns the sockets and the shared memory, starts and
// replaces the children, and reloads. It speaks no network protocol, runs no plugin and hears nothing from outside but
// signals; what a Corefile means is found out in a child.
//
// A configuration in force, or on its way to be, is a Generation: the Corefile as it was read, a service process that
// has set it up, and the dns processes that answer with it. A reload builds the next generation beside the current one:
//
//     read the Corefile → service: set up, prepare → open new sockets → dns processes: set up → ready: they serve
//                                                                                → the current generation drains
//
// A failure on the way ends the next generation, and nothing has changed.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/config/parser.h"
#include "core/config/sources.h"
#include "core/metrics/registry.h"
#include "core/server/child_process.h"
#include "core/server/options.h"
#include "core/server/pidfile.h"
#include "core/server/reload_record.h"
#include "core/server/sockets.h"
#include "core/shm/segment.h"

namespace swage::server {

class Supervisor {
 public:
  // `sources`: what to read the Corefile from when it is read for the first time. REQUIRES: `translations` outlive it.
  Supervisor(Options options, config::Sources sources, config::Translations translations);
  ~Supervisor();

  // From now on the signals that the supervisor handles wait for it. To be called before anything that takes time.
  static void block_signals();

  // Serves until a signal says to stop. Returns the exit status.
  [[nodiscard]] int run();

 private:
  struct Generation {
    shm::Segment sources;  // serialised
    std::vector<Endpoint> listen;
    std::vector<Endpoint> service_listen;
    std::map<Endpoint, std::string> places;  // of both, in the Corefile: "FILE:LINE"
    std::vector<std::string> serves;
    std::set<std::string> declared;                    // what memory there may be: a Message::Kind and a name each
    std::size_t told = 0;                              // how much its service process has said, about
    std::map<std::string, Descriptor> snapshots;       // the newest of each name
    std::map<std::string, Descriptor> shared;          // memory that lasts, as the service chose it
    std::map<std::string, Descriptor> service_memory;  // the same, for the service process alone
    std::map<std::string, Descriptor> inherited;       // what it chooses from: both of the generation before
    std::list<ChildProcess> children;
    std::vector<std::pair<SteadyTime, std::optional<std::size_t>>> restarts;  // when, and which child
    std::map<std::optional<std::size_t>, std::chrono::milliseconds> delays;   // before the next restart of a child
    bool workers_started = false;
    bool settled = false;        // its service process has taken over what was before
    SteadyTime service_begun{};  // when it was told to, or ended
    bool service_is_root = false;
    SteadyTime begun;
    unsigned number = 0;  // 1, 2, …
    std::chrono::milliseconds lameduck{0};
  };

  [[nodiscard]] Result<> begin_first();
  [[nodiscard]] Result<> begin(config::Sources sources);
  [[nodiscard]] Result<> start_child(Generation& generation, std::optional<std::size_t> worker);
  [[nodiscard]] Result<> start_workers(Generation& generation);
  [[nodiscard]] Result<> open_missing_sockets(Generation& generation);
  void close_unused_sockets();
  void start_service(ChildProcess& service);
  void put_in_force();
  void abandon_next(const std::string& why);
  void end_next();
  void leave(Generation& generation, std::chrono::milliseconds for_service);
  void reload();
  void reload_failed(const std::string& why);
  void shut_down_later();
  void shut_down();

  void wait();
  void handle_signals();
  void reap();
  void child_ended(Generation& generation, std::list<ChildProcess>::iterator child, int status);
  void run_timers();

  void receive(Generation* generation, ChildProcess& child);
  [[nodiscard]] bool may_speak(ChildProcess& child) const;
  void handle(Generation& generation, ChildProcess& child, Message message);
  [[nodiscard]] bool handle_service(Generation& generation, ChildProcess& service, Message& message);
  void learn(Generation& generation, Message message);
  [[nodiscard]] bool is_settled() const;
  void take_ready(Generation& generation, ChildProcess& child);
  void keep(Generation& generation, Message message);
  [[nodiscard]] bool keep_as_it_is(Generation& generation, const Message& message);
  static void pass_on(ChildProcess& child, Message::Kind kind, const Message& message);
  [[nodiscard]] static std::map<std::string, Descriptor>& memories(Generation& generation, Message::Kind kind);
  static void condemn(ChildProcess& child, const std::string& why);

  void check_health();
  [[nodiscard]] static bool is_busy(const ChildProcess& child, SteadyTime::duration since);

  [[nodiscard]] Result<> hand_metrics(ChildProcess& child);
  void tell_services(const std::string& text, const shm::Segment& memory);
  void keep_metrics(ChildProcess& child);
  void say_up(const ChildProcess& child, bool up);
  void count_restarts(const ChildProcess& child, std::uint64_t times);
  void count_reload(bool succeeded);
  [[nodiscard]] int milliseconds_to_next_timer() const;

  Options options_;
  config::Sources first_sources_;
  const config::Translations translations_;
  Descriptor signals_;
  std::optional<Pidfile> pidfile_;
  ReloadRecord reloads_;
  std::unique_ptr<Generation> current_, next_;
  std::list<ChildProcess> leaving_;  // of generations that are over
  std::map<Endpoint, SocketSet> sockets_;
  std::map<Endpoint, Descriptor> service_sockets_;
  metrics::Registry metrics_;
  shm::Segment past_metrics_;  // of the children that have ended
  unsigned generations_ = 0;
  SteadyTime health_checked_;
  SteadyTime descriptors_counted_;
  bool watchdog_ = false;  // the service manager wants to hear from us
  std::optional<SteadyTime> shut_down_at_;
  bool reload_again_ = false;
  bool shutting_down_ = false;
  int exit_status_ = 0;
};

}  // namespace swage::server
