#include "core/server/supervisor.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/config/parser.h"
#include "core/log.h"
#include "core/server/child.h"
#include "core/server/service_manager.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr auto kDrain = 5s;         // for children to finish what they have begun
constexpr auto kReplaced = 20s;     // for the service process where another one serves already: dialling takes 15 s
constexpr auto kFirstDelay = 50ms;  // before a child is started again that ended young; doubles
constexpr auto kMostDelay = 2000ms;
constexpr auto kMostSetUp = 5min;  // for a new configuration: zones may be large
constexpr auto kGrownUp = 5s;      // a child that lived as long is started again at once

SteadyTime now() { return std::chrono::steady_clock::now(); }

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&set, number);
  return set;
}

Descriptor catch_signals() {
  Supervisor::block_signals();
  const sigset_t set = handled_signals();
  return Descriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

Result<shm::Segment> to_memory(const config::Sources& sources) {
  const std::string text = sources.serialize();
  TRY(shm::Segment memory, shm::Segment::create("swage-corefile", text.size()));
  std::copy(text.begin(), text.end(), memory.writable_bytes().begin());
  TRY(memory.seal());
  return memory;
}

Result<Descriptor> duplicate(int fd) {
  Descriptor borrowed(fd);
  Result<Descriptor> copy = borrowed.duplicate();
  static_cast<void>(borrowed.release());
  return copy;
}

Result<> send_all(Channel& channel, Message::Kind kind, const std::map<std::string, Descriptor>& memories) {
  for (const auto& [name, memory] : memories) {
    TRY(Descriptor copy, memory.duplicate());
    channel.send({kind, name, std::move(copy)});
  }
  return {};
}

// sd_notify(3): the time tells the service manager which of its requests this is the answer to.
void tell_reloading() {
  const auto time = std::chrono::duration_cast<std::chrono::microseconds>(now().time_since_epoch());
  notify_service_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", time.count()));
}

// `status` is what `systemctl status` shows.
void tell_ready(std::string_view status) { notify_service_manager(fmt::format("READY=1\nSTATUS={}", status)); }

bool has_ipv6() { return access("/proc/net/if_inet6", F_OK) == 0; }

}  // namespace

Supervisor::Supervisor(Options options, config::Sources sources)
    : options_(std::move(options)), first_sources_(std::move(sources)), signals_(catch_signals()) {
  if (options_.workers == 0) options_.workers = static_cast<std::size_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
}

Supervisor::~Supervisor() = default;

void Supervisor::block_signals() {
  const sigset_t set = handled_signals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int Supervisor::run() {
  Result<Pidfile> pidfile = Pidfile::prepare(options_.pidfile);
  if (pidfile) pidfile_.emplace(*std::move(pidfile));
  const Result<> begun = pidfile_ ? begin(std::move(first_sources_)) : std::unexpected(pidfile.error());
  if (!begun) {
    std::fprintf(stderr, "%s\n", begun.error().text().c_str());
    return 1;
  }
  while (current_ || next_ || !leaving_.empty()) wait();
  return exit_status_;
}

// Starts the service process of a new generation with the Corefile that `sources` has or finds.
Result<> Supervisor::begin(config::Sources sources) {
  TRY(config::parse(sources, options_.corefile));
  for (const std::string& warning : sources.warnings()) log::warning("{}", warning);
  auto generation = std::make_unique<Generation>();
  generation->begun = now();
  generation->number = ++generations_;
  TRY(generation->sources, to_memory(sources));
  if (current_) {
    for (const auto* const memories : {&current_->shared, &current_->service_memory}) {
      for (const auto& [name, memory] : *memories) {
        TRY(generation->inherited[name], memory.duplicate());
      }
    }
  }
  TRY(start_child(*generation, std::nullopt));
  next_ = std::move(generation);
  return {};
}

Result<> Supervisor::start_child(Generation& generation, std::optional<std::size_t> worker) {
  TRY(ChildProcess child, ChildProcess::start(worker));
  Channel& channel = child.channel;
  child.generation = generation.number;
  TRY(hand_metrics(child));
  TRY(Descriptor sources, duplicate(generation.sources.fd()));
  channel.send(
      {Message::Kind::corefile, fmt::format("{} {}", options_.dns_port, options_.corefile), std::move(sources)});
  if (worker) {
    for (const Endpoint& endpoint : generation.listen) {
      const SocketSet& set = sockets_.at(endpoint);
      TRY(Descriptor udp, set.udp[*worker].duplicate());
      TRY(Descriptor tcp, set.tcp[*worker].duplicate());
      channel.send({Message::Kind::socket, "udp " + endpoint_text(endpoint), std::move(udp)});
      channel.send({Message::Kind::socket, "tcp " + endpoint_text(endpoint), std::move(tcp)});
    }
    TRY(send_all(channel, Message::Kind::snapshot, generation.snapshots));
  } else {
    TRY(send_all(channel, Message::Kind::shared, generation.inherited));
    TRY(send_all(channel, Message::Kind::shared, generation.service_memory));
  }
  TRY(send_all(channel, Message::Kind::shared, generation.shared));
  channel.send({Message::Kind::set_up, &generation == current_.get() ? "again" : "", {}});
  say_up(child, true);
  generation.children.push_back(std::move(child));
  return {};
}

Result<> Supervisor::open_missing_sockets(Generation& generation) {
  if (!has_ipv6()) {
    const auto impossible = [](const Endpoint& each) { return each.address.is_v6() && each.address.is_unspecified(); };
    std::erase_if(generation.listen, impossible);
    std::erase_if(generation.service_listen, impossible);
  }
  const auto is_ours = [](const auto& sockets, std::uint16_t port) {
    return std::ranges::any_of(sockets, [port](const auto& each) { return each.first.port == port; });
  };
  for (const Endpoint& endpoint : generation.listen) {
    if (!is_ours(sockets_, endpoint.port)) TRY(check_free(endpoint));
  }
  for (const Endpoint& endpoint : generation.service_listen) {
    if (!is_ours(service_sockets_, endpoint.port)) TRY(check_free(endpoint, Transports::tcp));
  }
  for (const Endpoint& endpoint : generation.listen) {
    if (sockets_.contains(endpoint)) continue;
    TRY(SocketSet set, open_sockets(endpoint, options_.workers));
    sockets_.emplace(endpoint, std::move(set));
  }
  for (const Endpoint& endpoint : generation.service_listen) {
    if (service_sockets_.contains(endpoint)) continue;
    TRY(Descriptor socket, open_tcp_socket(endpoint));
    service_sockets_.emplace(endpoint, std::move(socket));
  }
  return {};
}

// Those that the configuration in force has no use for.
void Supervisor::close_unused_sockets() {
  const auto close = [](auto& sockets, const std::vector<Endpoint>& used) {
    std::erase_if(sockets, [&](const auto& each) { return std::ranges::find(used, each.first) == used.end(); });
  };
  close(sockets_, current_->listen);
  close(service_sockets_, current_->service_listen);
}

// Its configuration is in force: here are its sockets.
void Supervisor::start_service(ChildProcess& service) {
  for (const Endpoint& endpoint : current_->service_listen) {
    Result<Descriptor> copy = service_sockets_.at(endpoint).duplicate();
    if (copy) {
      service.channel.send({Message::Kind::socket, "tcp " + endpoint_text(endpoint), std::move(*copy)});
    } else {  // its successor may have more luck
      log::error("{}: {}: {}", service.name, endpoint.to_string(), copy.error().text());
      service.kill(SIGKILL);
    }
  }
  service.channel.send({Message::Kind::start, {}, {}});
}

Result<> Supervisor::start_workers(Generation& generation) {
  TRY(open_missing_sockets(generation));
  generation.workers_started = true;
  for (std::size_t worker = 0; worker < options_.workers; ++worker) TRY(start_child(generation, worker));
  return {};
}

// The next generation is complete and serves already: the current one may go.
void Supervisor::put_in_force() {
  const bool first = current_ == nullptr;
  count_reload(true);
  if (!first) leave(*current_, kReplaced);
  current_ = std::move(next_);
  current_->inherited.clear();
  close_unused_sockets();
  for (ChildProcess& child : current_->children) {
    if (!child.worker) start_service(child);
  }
  if (first) pidfile_->write();
  tell_ready(fmt::format("{} is in force", options_.corefile));
  if (first && !options_.quiet) {
    for (const std::string& line : current_->serves) log::write(line);
    log::write("swage-" SWAGE_VERSION);
    log::write(fmt::format("{} dns processes, pid {}", options_.workers, getpid()));
  } else if (!first) {
    log::info("Reloading complete");
  }
}

void Supervisor::abandon_next(const std::string& why) {
  end_next();
  if (current_ == nullptr) {
    std::fprintf(stderr, "%s\n", why.c_str());
    exit_status_ = 1;
    return;
  }
  reload_failed(why);
  close_unused_sockets();
}

// The dns processes that are ready serve already, and finish what they have begun; the others have begun nothing.
void Supervisor::end_next() {
  for (ChildProcess& child : next_->children) {
    if (child.worker && child.ready) {
      child.drain(kDrain);
    } else {
      child.kill(SIGKILL);
      child.kill_at = now();
    }
  }
  leaving_.splice(leaving_.end(), next_->children);
  next_.reset();
}

// Tells all processes of a generation to finish.
void Supervisor::leave(Generation& generation, std::chrono::milliseconds for_service) {
  for (ChildProcess& child : generation.children) child.drain(child.worker ? kDrain : for_service);
  leaving_.splice(leaving_.end(), generation.children);
}

void Supervisor::reload() {
  if (shutting_down_ || shut_down_at_) return;
  if (!options_.corefile_on_disk) {
    log::warning("Restart failed: {} cannot be read again", options_.corefile);
    return;
  }
  if (next_ != nullptr) {
    if (!reload_again_) log::info("Reloading: one is under way; another follows it");
    reload_again_ = true;
    return;
  }
  log::info("Reloading");
  tell_reloading();
  if (const Result<> begun = begin(config::Sources::from_disk()); !begun) reload_failed(begun.error().text());
}

void Supervisor::reload_failed(const std::string& why) {
  log::error("Restart failed: {}; the configuration in force stays", why);
  tell_ready("the last reload failed: " + why);
  count_reload(false);
}

// Serves on for as long as the configuration says, unless it is asked twice.
void Supervisor::shut_down_later() {
  if (!current_ || current_->lameduck == 0ms || shut_down_at_ || shutting_down_) {
    shut_down();
    return;
  }
  log::info("told to end: serving on for {} ms", current_->lameduck.count());
  shut_down_at_ = now() + current_->lameduck;
  for (ChildProcess& child : current_->children) {
    if (!child.worker) child.channel.send({Message::Kind::ending, {}, {}});
  }
}

void Supervisor::shut_down() {
  if (shutting_down_) {  // asked twice: at once
    for (const ChildProcess& child : leaving_) child.kill(SIGKILL);
    return;
  }
  shutting_down_ = true;
  notify_service_manager("STOPPING=1");
  for (ChildProcess& child : leaving_) child.drain(kDrain);
  if (current_) leave(*current_, kDrain);
  current_.reset();
  if (next_) end_next();
}

void Supervisor::wait() {
  std::vector<pollfd> watched = {{signals_.get(), POLLIN, 0}};
  const auto watch = [&](std::list<ChildProcess>& children) {
    for (ChildProcess& child : children) {
      const short events = child.channel.unsent() ? POLLIN | POLLOUT : POLLIN;
      watched.push_back({child.channel.fd(), events, 0});
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
  if (reload_again_ && !next_) {
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
  if (now() - child->started > kGrownUp) delay = 0ms;
  log::error("the process '{}' (pid {}) {}; it is started again{}", child->name, pid, describe_exit(status),
             delay == 0ms ? std::string() : fmt::format(" in {} ms", delay.count()));
  count_restarts(*child, 1);
  generation.restarts.emplace_back(now() + delay, child->worker);
  delay = std::clamp<std::chrono::milliseconds>(delay * 2, kFirstDelay, kMostDelay);
  generation.children.erase(child);
  run_timers();
}

void Supervisor::run_timers() {
  if (shut_down_at_ && *shut_down_at_ <= now() && !shutting_down_) shut_down();
  for (ChildProcess& child : leaving_) {
    if (!child.kill_at || *child.kill_at > now()) continue;
    child.kill(SIGKILL);
    child.kill_at = now() + kMostDelay;  // it may be in the kernel's hands
  }
  if (next_ && now() - next_->begun > kMostSetUp) {
    abandon_next(fmt::format("not set up within {} minutes", kMostSetUp.count()));
  }
  if (!current_) return;
  auto due = std::exchange(current_->restarts, {});
  for (const auto& [when, worker] : due) {
    if (when > now()) {
      current_->restarts.emplace_back(when, worker);
    } else if (const Result<> started = start_child(*current_, worker); !started) {
      log::error("{}", started.error().text());
      current_->restarts.emplace_back(now() + kMostDelay, worker);
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
  }
  if (next_) consider(next_->begun + kMostSetUp);
  if (shut_down_at_ && !shutting_down_) consider(*shut_down_at_);
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 1));
}

}  // namespace swage::server
