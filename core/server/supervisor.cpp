// What the supervisor decides: how a generation is begun, gets its processes and sockets, is put in force and left; how
// the server ends. What it waits for is in supervisor_events.cpp.
#include "core/server/supervisor.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "core/config/parser.h"
#include "core/counted.h"
#include "core/log.h"
#include "core/server/child.h"
#include "core/server/service_manager.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

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

Options with_workers(Options options) {
  if (options.workers == 0) options.workers = static_cast<std::size_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  return options;
}

Result<shm::Mapping> to_memory(const config::Sources& sources) {
  const std::string text = sources.serialize();
  TRY(shm::Segment memory, shm::Segment::create("swage-corefile", text.size()));
  std::copy(text.begin(), text.end(), memory.writable_bytes().begin());
  return std::move(memory).seal();
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

// To standard error, for the operator who starts the server.
void print_error(const Error& error) {
  for (const std::string& line : config::lines_of(error)) {
    std::fprintf(stderr, "%s\n",
                 log::form().json ? log::formed("[FATAL] " + line).c_str() : log::one_line(line).c_str());
  }
}

}  // namespace

Supervisor::Supervisor(Options options, config::Sources sources, std::span<const PluginType> built_in,
                       FindLibraries find_libraries, config::Translations translations)
    : options_(with_workers(std::move(options))),
      first_sources_(std::move(sources)),
      built_in_(built_in),
      find_libraries_(find_libraries),
      translations_(translations),
      signals_(catch_signals()),
      reloads_(options_.pidfile),
      sockets_(options_.workers),
      watchdog_(wants_watchdog()) {
  if (options_.invocation.predecessor) predecessor_.emplace(*options_.invocation.predecessor);
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
  while (!generations_.empty()) wait();
  return exit_status_;
}

Generation* Supervisor::find(Generation::State state) const {
  const auto found = std::ranges::find(generations_, state, [](const auto& each) { return each->state(); });
  return found == generations_.end() ? nullptr : found->get();
}

std::vector<ChildProcess*> Supervisor::services() const {
  std::vector<ChildProcess*> services;
  for (const auto& generation : generations_) {
    for (ChildProcess& child : generation->children()) {
      if (child.role.is_service()) services.push_back(&child);
    }
  }
  return services;
}

Result<> Supervisor::begin_first() {
  TRY(Pidfile pidfile, Pidfile::prepare(options_.pidfile));
  pidfile_.emplace(std::move(pidfile));
  if (predecessor_) {
    TRY(take_over());
  } else {
    take_activated_sockets();
  }
  if (!control_.exists()) {
    TRY(control_, ControlSocket::open(options_.control));
  }
  return begin(std::move(first_sources_));
}

// Starts the service process of a new generation with the Corefile that `sources` has or finds.
Result<> Supervisor::begin(config::Sources sources) {
  config::Errors errors;  // are found again by the service process, with those of directives beside them
  if (config::parse(sources, options_.corefile, errors, translations_).empty() && !errors.empty()) {
    return std::unexpected(errors.joined());
  }
  // Whether a library can be loaded, its children find out.
  TRY(std::vector<PluginLibrary> libraries, find_libraries_(config::plugin_paths(sources, options_.corefile)));
  TRY(PluginChain plugins, PluginChain::of(built_in_, libraries, PluginChain::Load::nothing));
  for (const std::string& warning : sources.warnings()) log::warning("{}", warning);
  TRY(shm::Mapping memory, to_memory(sources));
  auto generation = std::make_unique<Generation>(++generations_begun_, std::move(memory), options_.corefile,
                                                 options_.dns_port, std::move(plugins), std::move(libraries));
  if (const Generation* const before = current()) {
    TRY(generation->inherit(*before));
  } else {
    generation->inherit(std::exchange(handed_over_, {}));
  }
  TRY(start_child(*generation, Role::service()));
  generations_.push_back(std::move(generation));
  return {};
}

Result<> Supervisor::start_child(Generation& generation, Role role) {
  TRY(ChildProcess child, ChildProcess::start(role, generation.number(), options_.service_variables));
  TRY(metrics_.begin(child, services()));
  if (successor_) TRY(metrics_.hand_over(child, successor_->channel()));
  generation.adopt(std::move(child), sockets_);
  return {};
}

Result<> Supervisor::start_workers(Generation& generation) {
  if (!has_ipv6() && generation.leave_out_ipv6() && current() == nullptr) {
    log::warning("this machine has no IPv6: [::] is left out, IPv4 serves alone");
  }
  TRY(sockets_.open(generation.listen()));
  generation.workers_started();
  if (generation.wants_fetch()) TRY(start_child(generation, Role::fetch()));
  const std::size_t workers = options_.workers;
  for (std::size_t number = 0; number < workers; ++number) TRY(start_child(generation, Role::dns(number)));
  for (std::size_t number = 0; number < workers; ++number) TRY(start_child(generation, Role::stream(workers + number)));
  return {};
}

// The next step of the generation that is to follow.
void Supervisor::advance(Generation& generation) {
  if (!generation.failure() && generation.wants_workers()) {
    if (const Result<> started = start_workers(generation); !started) generation.fail(started.error().text());
  }
  if (generation.failure()) {
    abandon(generation);
  } else if (generation.complete()) {
    put_in_force(generation);
  }
}

// The next generation is complete and serves already: the one before may go.
void Supervisor::put_in_force(Generation& generation) {
  Generation* const before = current();
  if (before != nullptr) {
    reloads_.settle();
    tell_reloads();
    before->leave(kDrain, kReplaced);
  }
  sockets_.keep_only(generation.listen());
  const std::vector<Endpoint> unwanted = sockets_.drop_given();
  for (const Endpoint& each : unwanted) {
    if (predecessor_) break;  // the Corefile has changed since
    log::warning("{}: the service manager has opened a socket, but nothing in {} listens there", each.to_string(),
                 options_.corefile);
  }
  generation.put_in_force();
  metrics_.count_success(before == nullptr);
  if (before == nullptr) {
    reloads_.start();  // whoever finds the pid file finds this
    pidfile_->write();
  }
  if (predecessor_) predecessor_->channel().send(message::Ready{});
  if (!waits_for_predecessor()) tell_in_force();
  if (before != nullptr) {
    log::info("Reloading complete");
  } else if (!options_.quiet) {
    announce(generation);
  }
}

void Supervisor::tell_in_force() const { tell_ready(fmt::format("{} is in force", options_.corefile)); }

void Supervisor::announce(const Generation& generation) const {
  for (const std::string& line : generation.serves()) log::write(line);
  log::write("swage-" SWAGE_VERSION);
  log::write(fmt::format("{} and {}, pid {}{}", counted(options_.workers, "dns process", "dns processes"),
                         counted(options_.workers, "stream process", "stream processes"), getpid(),
                         generation.service_is_root() ? "; the service process stays root (see the plugin user)" : ""));
}

void Supervisor::abandon(Generation& generation) {
  const std::string why = generation.failure().value_or("");
  generation.leave(kDrain, kDrain);
  if (const Generation* const in_force = current()) {
    reload_failed(why);
    sockets_.keep_only(in_force->listen());
  } else {
    print_error(Error(why));
    exit_status_ = 1;
  }
}

void Supervisor::tell_reloads() const {
  for (const auto& each : generations_) each->tell_reloads(reloads_.news());  // one that leaves may be waited for, too
}

void Supervisor::request_reload() {
  if (shutting_down_ || shut_down_at_) return;
  if (!options_.corefile_on_disk) {
    log::warning("Restart failed: {} cannot be read again", options_.corefile);
    reloads_.begin();
    reloads_.settle(Error(fmt::format("{} cannot be read again", options_.corefile)));
    tell_reloads();
    return;
  }
  if (!reload_wanted_ && next() != nullptr) log::info("Reloading: one is under way; another follows it");
  reload_wanted_ = true;
}

// A reload begins with the memory that the service process in force has provided, so it waits until that has taken over
// from the one before.
bool Supervisor::may_reload() const {
  const Generation* const in_force = current();
  return next() == nullptr && !successor_ && (in_force == nullptr || in_force->is_settled());
}

void Supervisor::reload() {
  reload_wanted_ = false;
  log::info("Reloading");
  tell_reloading();
  reloads_.begin();
  tell_reloads();
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
  metrics_.count_failed_reload();
  reloads_.settle(Error(why));
  tell_reloads();
}

// Serves on for as long as the configuration says, unless it is asked twice.
void Supervisor::shut_down_later() {
  Generation* const in_force = current();
  if (in_force == nullptr || in_force->lameduck() == 0ms || shut_down_at_ || shutting_down_) {
    shut_down();
    return;
  }
  log::info("told to end: serving on for {} ms", in_force->lameduck().count());
  shut_down_at_ = steady_now() + in_force->lameduck();
  in_force->tell_ending();
}

// Ends with an error.
void Supervisor::fail(const std::string& why) {
  if (shutting_down_) return;
  log::write("[FATAL] " + why);
  exit_status_ = 1;
  shut_down();
}

void Supervisor::shut_down() {
  const bool again = std::exchange(shutting_down_, true);
  if (successor_ && !successor_->is_serving()) successor_.reset();
  if (!again) notify_service_manager("STOPPING=1");
  for (const auto& generation : generations_) {
    if (again) {  // at once
      generation->kill_all();
    } else {
      generation->tell_ending();
      generation->leave(kDrain, kDrain);
    }
  }
}

}  // namespace swage::server
