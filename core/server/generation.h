// Generation: a configuration, from its Corefile to the end of its last process. The supervisor decides when it goes
// from one state to the next:
//
//     beginning   its service process sets the Corefile up and declares what there will be; then its dns processes, and
//                 its fetch process where there is to be one, are started, and set it up, too. complete() when all are
//                 ready; failure() where anything went wrong
//     in force    children that end are started again
//     leaving     its children are told to finish, and are not listened to any more
//
// A child stays with its generation until remove() takes it out, when it has ended.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/plugin/library.h"
#include "core/server/child_process.h"
#include "core/server/control_socket.h"
#include "core/server/messages.h"
#include "core/server/socket_store.h"
#include "core/server/worker_pieces.h"
#include "core/shm/segment.h"

namespace swage::server {

class Generation {
 public:
  enum class State : std::uint8_t { beginning, in_force, leaving };

  // `sources`: the Corefile at `path` as it was read, serialised (config::Sources). `default_port`: of keys without
  // one. `plugins` and `libraries`: the chain, and those of it that are libraries of their own.
  Generation(unsigned number, shm::Mapping sources, std::string path, std::uint16_t default_port, PluginChain plugins,
             std::vector<PluginLibrary> libraries)
      : number_(number),
        sources_(std::move(sources)),
        path_(std::move(path)),
        default_port_(default_port),
        plugins_(std::move(plugins)),
        libraries_(std::move(libraries)) {}
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  [[nodiscard]] unsigned number() const { return number_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] std::list<ChildProcess>& children() { return children_; }
  [[nodiscard]] bool is_over() const { return state_ == State::leaving && children_.empty(); }

  // What the service process has said.
  [[nodiscard]] const std::vector<message::Listen>& listen() const { return listen_; }
  [[nodiscard]] const std::vector<std::string>& serves() const { return serves_; }
  [[nodiscard]] std::chrono::milliseconds lameduck() const { return lameduck_; }
  [[nodiscard]] bool service_is_root() const { return service_is_root_; }
  // True once, where it has asked for a reload.
  [[nodiscard]] bool take_reload_request() { return std::exchange(reload_requested_, false); }

  // Why the server is to end, once, where its service process has said so in the time for it.
  [[nodiscard]] std::optional<std::string> take_end_request() { return std::exchange(end_requested_, std::nullopt); }

  // What the generation before has published: at the beginning all of it, later what is new of memory that lasts.
  [[nodiscard]] Result<> inherit(const Generation& before);
  void inherit_news(const Generation& before);
  void inherit_new(const MemoryName& name, const Descriptor& memory);
  void forget_news() { news_.clear(); }
  // The same where what was published before is another supervisor's, and to it.
  void inherit(std::map<MemoryName, Descriptor> memories) { inherited_ = std::move(memories); }
  [[nodiscard]] Result<> hand_over(Channel& successor) const;
  void hand_over_news(Channel& successor) const;

  // Owns a child, which was just started and has its memory to count in, and hands it all that it needs to set itself
  // up. One that this fails for is killed.
  void adopt(ChildProcess child, const SocketStore& sockets);
  // Sends what children could not take until now, and takes what they have said.
  void exchange_messages();
  void exchange_messages(ChildProcess& child);

  // Beginning.
  [[nodiscard]] bool wants_workers() const { return service_ready_ && !workers_started_; }
  [[nodiscard]] bool wants_fetch() const { return !fetched_.empty(); }
  void workers_started() { workers_started_ = true; }
  // Where the machine has no IPv6: leaves out [::]. True if that was asked for.
  bool leave_out_ipv6();
  [[nodiscard]] bool complete() const;
  void fail(std::string why) {
    if (!failure_) failure_ = std::move(why);
  }
  [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }
  // It took too long.
  void check_begun();

  // In force.
  void put_in_force();
  // Tells the service process, once it is ready, to run: here are its sockets, and what it has missed.
  void start_service(const SocketStore& sockets, const ControlSocket& control, const message::Reloads& reloads);
  // True once, where it has asked for an upgrade.
  [[nodiscard]] bool take_upgrade_request() { return std::exchange(upgrade_requested_, false); }
  // Tells it how an upgrade has ended.
  void tell_upgrades(const message::Upgrades& upgrades);
  // Tells it what has become of reloads.
  void tell_reloads(const message::Reloads& reloads);
  // Its service process has taken over what was before; or it has had the time to do so.
  [[nodiscard]] bool is_settled() const;
  // The server is told to end, and serves on for lameduck().
  void tell_ending();
  // Kills those that hang. `late`: the machine was asleep, so silence means nothing.
  void check_health(bool late);
  // Takes the children out that are to be started again now, and puts back one that could not be.
  [[nodiscard]] std::vector<Role> take_due();
  void retry(Role role);

  // Leaving: tells all of them to finish, the service process within `service`; of a configuration that never was in
  // force, those that serve nobody are killed.
  void leave(std::chrono::milliseconds workers, std::chrono::milliseconds service);
  void kill_all() const;
  void kill_late();

  // Takes out the child that has ended; what is to be done about it is decided here. nullopt: it is not one of these.
  [[nodiscard]] std::optional<ChildProcess> remove(pid_t pid, int wait_status);

  // When something is to be done, but for check_health().
  [[nodiscard]] std::optional<SteadyTime> next_timer() const;

 private:
  struct Memory {
    Descriptor memory;
    bool is_inherited = false;  // it is that of the generation before
  };

  void hear(ChildProcess& child, Packet packet);
  void on(ChildProcess& child, const message::Ready& message);
  void on(ChildProcess& child, const message::Failed& message);
  void on(ChildProcess& child, message::Declare message);
  void on(ChildProcess& child, message::Memory message);
  void on(ChildProcess& child, message::DeclareWorkerMemory message);
  void on(ChildProcess& child, const message::Keep& message);
  void on(ChildProcess& child, message::Listen message);
  void on(ChildProcess& child, const message::Lameduck& message);
  void on(ChildProcess& child, message::Serves message);
  void on(ChildProcess& child, const message::StaysRoot& message);
  void on(ChildProcess& child, const message::Settled& message);
  void on(ChildProcess& child, const message::Reload& message);
  void on(ChildProcess& child, const message::Upgrade& message);
  void on(ChildProcess& child, const message::Forget& message);
  void on(ChildProcess& child, const message::End& message);
  void on(ChildProcess& child, const message::Forbidden& message);
  [[nodiscard]] bool learns(std::size_t text);
  [[nodiscard]] Result<> provide_for(ChildProcess& child, const SocketStore& sockets);
  [[nodiscard]] Result<> hand_inheritance(Channel& channel);
  [[nodiscard]] Result<> hand_fetched(Channel& channel) const;
  [[nodiscard]] bool is_for(Role role, const MemoryName& name) const;
  [[nodiscard]] Result<> connect(ChildProcess& child);
  void start_again(const ChildProcess& child, int wait_status);

  unsigned number_;
  shm::Mapping sources_;
  std::string path_;
  std::uint16_t default_port_;
  PluginChain plugins_;
  std::vector<PluginLibrary> libraries_;
  State state_ = State::beginning;
  SteadyTime begun_ = steady_now();
  std::optional<std::string> failure_;

  std::set<MemoryName> declared_;  // what memory there may be
  std::set<MemoryName> fetched_;   // of that, what the fetch process provides
  std::vector<message::Listen> listen_;
  std::vector<std::string> serves_;
  std::chrono::milliseconds lameduck_{0};
  bool service_is_root_ = false;
  std::size_t learnt_ = 0;  // how much that was, about

  std::map<MemoryName, Memory> memories_;       // the newest of each name
  std::map<MemoryName, Descriptor> inherited_;  // while it begins
  std::set<MemoryName> news_;                   // of memories_, for the generation that follows

  WorkerPieces pieces_;  // of memory that dns processes write

  std::list<ChildProcess> children_;
  std::vector<std::pair<SteadyTime, Role>> restarts_;  // when, and which child
  std::map<Role, std::chrono::milliseconds> delays_;   // before the next restart of a child
  bool service_ready_ = false;
  bool workers_started_ = false;
  bool settled_ = false;
  SteadyTime service_begun_{};  // when it was told to, or ended
  bool reload_requested_ = false;
  bool upgrade_requested_ = false;
  std::optional<std::string> end_requested_;
};

}  // namespace swage::server
