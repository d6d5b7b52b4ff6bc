// The generations of the supervisor: how one is begun, gets its processes and sockets, is put in force and left; how
// the server ends. What it waits for is in supervisor_events.cpp, what children tell it in supervisor_messages.cpp.
#include "core/server/supervisor.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>

#include "core/config/parser.h"
#include "core/counted.h"
#include "core/log.h"
#include "core/server/child.h"
#include "core/server/service_manager.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr auto kDrain = 5s;      // for children to finish what they have begun
constexpr auto kReplaced = 20s;  // for the service process where another one serves already: dialling takes 15 s

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
  const auto time = std::chrono::duration_cast<std::chrono::microseconds>(steady_now().time_since_epoch());
  notify_service_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", time.count()));
}

// `status` is what `systemctl status` shows.
void tell_ready(std::string_view status) {
  notify_service_manager(fmt::format("READY=1\nSTATUS={}", log::one_line(status)));
}

// To the one who starts the server.
void print_error(const Error& error) {
  for (const std::string& line : config::lines_of(error)) {
    std::fprintf(stderr, "%s\n",
                 log::form().json ? log::formed("[FATAL] " + line).c_str() : log::one_line(line).c_str());
  }
}

}  // namespace

Supervisor::Supervisor(Options options, config::Sources sources, config::Translations translations)
    : options_(std::move(options)),
      first_sources_(std::move(sources)),
      translations_(translations),
      signals_(catch_signals()),
      reloads_(options_.pidfile) {
  watchdog_ = wants_watchdog();
  if (options_.workers == 0) options_.workers = static_cast<std::size_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
}

Supervisor::~Supervisor() = default;

void Supervisor::block_signals() {
  const sigset_t set = handled_signals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int Supervisor::run() {
  if (const Result<> begun = begin_first(); !begun) {
    print_error(begun.error());
    return 1;
  }
  while (current_ || next_ || !leaving_.empty()) wait();
  return exit_status_;
}

Result<> Supervisor::begin_first() {
  TRY(Pidfile pidfile, Pidfile::prepare(options_.pidfile));
  pidfile_.emplace(std::move(pidfile));
  return begin(std::move(first_sources_));
}

// Starts the service process of a new generation with the Corefile that `sources` has or finds.
Result<> Supervisor::begin(config::Sources sources) {
  config::Errors errors;  // are found again by the service process, with those of directives beside them
  if (config::parse(sources, options_.corefile, errors, translations_).empty() && !errors.empty()) {
    return std::unexpected(errors.joined());
  }
  for (const std::string& warning : sources.warnings()) log::warning("{}", warning);
  auto generation = std::make_unique<Generation>();
  generation->begun = steady_now();
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
  TRY(ChildProcess child, ChildProcess::start(worker, options_.service_variables));
  Channel& channel = child.channel;
  child.generation = generation.number;
  TRY(hand_metrics(child));
  TRY(child.pulse, Pulse::create("swage pulse of " + child.name));
  TRY(Descriptor pulse, child.pulse.share());
  channel.send({Message::Kind::pulse, {}, std::move(pulse)});
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
    if (current_) TRY(send_all(channel, Message::Kind::snapshot, current_->snapshots));
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
    const std::size_t left_out =
        std::erase_if(generation.listen, impossible) + std::erase_if(generation.service_listen, impossible);
    std::erase_if(generation.serves, [](const std::string& line) { return line.find("://[::]:") != line.npos; });
    if (left_out > 0 && current_ == nullptr)
      log::warning("this machine has no IPv6: [::] is left out, IPv4 serves alone");
  }
  // With the line that asks for the address.
  const auto told = [&generation](const Endpoint& endpoint, auto result) {
    const auto place = generation.places.find(endpoint);
    if (result || place == generation.places.end()) return result;
    return decltype(result)(std::unexpected(Error(fmt::format("{}: {}", place->second, result.error().text()))));
  };
  const auto is_ours = [](const auto& sockets, std::uint16_t port) {
    return std::ranges::any_of(sockets, [port](const auto& each) { return each.first.port == port; });
  };
  for (const Endpoint& endpoint : generation.listen) {
    if (!is_ours(sockets_, endpoint.port)) TRY(told(endpoint, check_free(endpoint)));
  }
  for (const Endpoint& endpoint : generation.service_listen) {
    if (!is_ours(service_sockets_, endpoint.port)) TRY(told(endpoint, check_free(endpoint, Transports::tcp)));
  }
  for (const Endpoint& endpoint : generation.listen) {
    if (sockets_.contains(endpoint)) continue;
    TRY(SocketSet set, told(endpoint, open_sockets(endpoint, options_.workers)));
    sockets_.emplace(endpoint, std::move(set));
  }
  for (const Endpoint& endpoint : generation.service_listen) {
    if (service_sockets_.contains(endpoint)) continue;
    TRY(Descriptor socket, told(endpoint, open_tcp_socket(endpoint)));
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
  current_->service_begun = steady_now();
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
  if (first) {
    reloads_.start();  // whoever finds the pid file finds this
    pidfile_->write();
  } else {
    reloads_.settle();
  }
  tell_ready(fmt::format("{} is in force", options_.corefile));
  if (first && !options_.quiet) {
    for (const std::string& line : current_->serves) log::write(line);
    log::write("swage-" SWAGE_VERSION);
    log::write(fmt::format("{}, pid {}{}", counted(options_.workers, "dns process", "dns processes"), getpid(),
                           current_->service_is_root ? "; the service process stays root (see the plugin user)" : ""));
  } else if (!first) {
    log::info("Reloading complete");
  }
}

void Supervisor::abandon_next(const std::string& why) {
  end_next();
  if (current_ == nullptr) {
    print_error(Error(why));
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
      child.kill_at = steady_now();
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
    reloads_.begin();
    reloads_.settle(Error(fmt::format("{} cannot be read again", options_.corefile)));
    return;
  }
  if (next_ != nullptr || !is_settled()) {
    if (!reload_again_ && next_ != nullptr) log::info("Reloading: one is under way; another follows it");
    reload_again_ = true;
    return;
  }
  log::info("Reloading");
  tell_reloading();
  reloads_.begin();
  if (const Result<> begun = begin(config::Sources::from_disk()); !begun) reload_failed(begun.error().text());
}

void Supervisor::reload_failed(const std::string& why) {
  const std::vector<std::string> lines = config::lines_of(Error(why));
  if (lines.size() > 1) {
    for (const std::string& line : lines) log::error("Restart failed: {}", line);
    log::error("Restart failed: all this is wrong; the configuration in force stays");
  } else {
    log::error("Restart failed: {}; the configuration in force stays", why);
  }
  tell_ready("the last reload failed: " + config::in_one_line(Error(why)));
  count_reload(false);
  reloads_.settle(Error(why));
}

// Serves on for as long as the configuration says, unless it is asked twice.
void Supervisor::shut_down_later() {
  if (!current_ || current_->lameduck == 0ms || shut_down_at_ || shutting_down_) {
    shut_down();
    return;
  }
  log::info("told to end: serving on for {} ms", current_->lameduck.count());
  shut_down_at_ = steady_now() + current_->lameduck;
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

}  // namespace swage::server
