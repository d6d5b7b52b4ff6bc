// How a generation gets its processes, is put in force and left. What its children say is in generation_messages.cpp,
// whether they hang in generation_health.cpp.
#include "core/server/generation.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/log.h"
#include "core/server/fetch_line.h"
#include "core/server/work.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr auto kMaxSetUp = 5min;    // zones may be large
constexpr auto kMaxUnsettled = 3s;  // a reload may be what mends a service process that never settles
constexpr auto kFirstDelay = 50ms;  // before a child is started again that ended young; doubles
constexpr auto kMaxDelay = 2000ms;
constexpr auto kStableAfter = 5s;  // a child that ran this long is started again at once

}  // namespace

Result<> Generation::inherit(const Generation& before) {
  for (const auto& [name, memory] : before.memories_) {
    TRY(inherited_[name], memory.memory.duplicate());
  }
  return {};
}

// To the service process that sets the configuration up. Snapshots are of use to that one only, and may be many.
Result<> Generation::hand_inheritance(Channel& channel) {
  for (auto each = inherited_.begin(); each != inherited_.end();) {
    auto& [name, memory] = *each;
    TRY(Descriptor copy, memory.duplicate());
    channel.send(message::Memory{name, std::move(copy)});
    each = name.kind == MemoryKind::snapshot ? inherited_.erase(each) : std::next(each);
  }
  return {};
}

// To the fetch process: what that of the generation before has fetched.
Result<> Generation::hand_fetched(Channel& channel) const {
  for (const MemoryName& name : fetched_) {
    const auto found = inherited_.find(name);
    if (found == inherited_.end()) continue;
    TRY(Descriptor copy, found->second.duplicate());
    channel.send(message::Memory{name, std::move(copy)});
  }
  return {};
}

// A dns process has all that is not for service processes alone; others what they provide.
bool Generation::is_for(Role role, const MemoryName& name) const {
  if (role.is_dns()) return name.kind != MemoryKind::service;
  return fetched_.contains(name) == role.is_fetch();
}

void Generation::adopt(ChildProcess child, const SocketStore& sockets) {
  children_.push_back(std::move(child));
  const Result<> provided = provide_for(children_.back(), sockets);
  if (provided) return;
  children_.back().condemn(provided.error().text());
  if (state_ == State::beginning) fail(provided.error().text());
}

Result<> Generation::provide_for(ChildProcess& child, const SocketStore& sockets) {
  Channel& channel = child.channel;
  TRY(child.pulse, Pulse::create("swage pulse of " + child.name));
  TRY(Descriptor pulse, child.pulse.share());
  channel.send(message::PulsePage{std::move(pulse)});
  TRY(Descriptor sources, sources_.descriptor().duplicate());
  channel.send(message::Corefile{path_, default_port_, std::move(sources)});
  for (const PluginLibrary& library : libraries_) {
    TRY(PluginLibrary copy, library.duplicate());
    channel.send(message::Library{std::move(copy)});
  }
  if (child.role.is_dns()) {
    TRY(auto own, sockets.for_worker(listen_, child.role));
    for (message::Socket& socket : own) channel.send(std::move(socket));
  }
  if (child.role.is_service()) TRY(hand_inheritance(channel));
  if (child.role.is_fetch()) TRY(hand_fetched(channel));
  for (const auto& [name, memory] : memories_) {
    if (!is_for(child.role, name)) continue;
    TRY(Descriptor copy, memory.memory.duplicate());
    channel.send(message::Memory{name, std::move(copy)});
  }
  TRY(pieces_.provide_for(child));
  TRY(connect(child));
  channel.send(message::SetUp{state_ == State::in_force});
  return {};
}

// Each dns process has a line to the service process, and to the fetch process where there is one; a new one to each
// that takes the place of another.
Result<> Generation::connect(ChildProcess& child) {
  for (ChildProcess& other : children_) {
    if (other.role.is_dns() == child.role.is_dns()) continue;
    const Role dns = child.role.is_dns() ? child.role : other.role,
               fetches = child.role.is_dns() ? other.role : child.role;
    const auto worker = static_cast<std::uint32_t>(dns.number);
    const Fetch::By by = fetches.is_fetch() ? Fetch::By::fetch : Fetch::By::service;
    TRY(auto ends, FetchLine::pair());
    child.channel.send(message::FetchLine{worker, by, std::move(ends.first)});
    other.channel.send(message::FetchLine{worker, by, std::move(ends.second)});
  }
  return {};
}

bool Generation::leave_out_ipv6() {
  const auto left_out = std::erase_if(listen_, [](const message::Listen& each) {
    return each.endpoint.address.is_v6() && each.endpoint.address.is_unspecified();
  });
  std::erase_if(serves_, [](const std::string& line) { return line.find("://[::]:") != line.npos; });
  return left_out > 0;
}

bool Generation::complete() const { return workers_started_ && std::ranges::all_of(children_, &ChildProcess::ready); }

void Generation::check_begun() {
  if (steady_now() - begun_ > kMaxSetUp) fail(fmt::format("not set up within {} minutes", kMaxSetUp.count()));
}

void Generation::put_in_force() {
  state_ = State::in_force;
  inherited_.clear();
}

void Generation::start_service(const SocketStore& sockets, const ControlSocket& control,
                               const message::Reloads& reloads) {
  const auto is_waiting = [](const ChildProcess& each) { return each.role.is_service() && each.ready && !each.runs; };
  const auto service = std::ranges::find_if(children_, is_waiting);
  if (service == children_.end()) return;
  service->runs = true;
  service_begun_ = steady_now();
  auto own = sockets.for_service(listen_);
  if (!own) {  // its successor may have more luck
    service->condemn(own.error().text());
    return;
  }
  for (message::Socket& socket : *own) service->channel.send(std::move(socket));
  if (control.exists()) {
    if (Result<Descriptor> copy = control.socket().duplicate()) {
      service->channel.send(message::ControlSocket{*std::move(copy)});
    } else {
      log::error("the control socket: {}", copy.error().text());
    }
  }
  service->channel.send(reloads);
  service->channel.send(message::Start{});
}

void Generation::tell_reloads(const message::Reloads& reloads) {
  for (ChildProcess& child : children_) {
    if (child.role.is_service() && child.runs) child.channel.send(reloads);
  }
}

void Generation::tell_upgrades(const message::Upgrades& upgrades) {
  for (ChildProcess& child : children_) {
    if (child.role.is_service() && child.runs) child.channel.send(upgrades);
  }
}

bool Generation::is_settled() const { return settled_ || steady_now() - service_begun_ > kMaxUnsettled; }

void Generation::tell_ending() {
  for (ChildProcess& child : children_) {
    if (child.role.is_service()) child.channel.send(message::Ending{});
  }
}

std::vector<Role> Generation::take_due() {
  std::vector<Role> due;
  std::erase_if(restarts_, [&](const auto& restart) {
    const auto& [when, role] = restart;
    if (when > steady_now()) return false;
    due.push_back(role);
    return true;
  });
  return due;
}

void Generation::retry(Role role) { restarts_.emplace_back(steady_now() + kMaxDelay, role); }

void Generation::leave(std::chrono::milliseconds workers, std::chrono::milliseconds service) {
  for (ChildProcess& child : children_) {
    // Dns processes that are ready serve already, and finish what they have begun, with what is fetched for them; the
    // others have begun nothing.
    if (state_ != State::beginning || (!child.role.is_service() && child.ready)) {
      child.drain(child.role.is_service() ? service : workers);
    } else {
      child.condemned = true;
      child.kill();
    }
  }
  restarts_.clear();
  state_ = State::leaving;
}

void Generation::kill_all() const {
  for (const ChildProcess& child : children_) child.kill();
}

void Generation::kill_late() {
  for (ChildProcess& child : children_) child.kill_if_late();
}

std::optional<ChildProcess> Generation::remove(pid_t pid, int wait_status) {
  const auto found = std::ranges::find(children_, pid, &ChildProcess::pid);
  if (found == children_.end()) return std::nullopt;
  found->pid = -1;            // no longer ours to signal
  exchange_messages(*found);  // its last words
  found->pid = pid;
  if (state_ == State::beginning) {
    fail(fmt::format("the process '{}' {} while it was set up", found->name, describe_exit(wait_status)));
  } else if (state_ == State::in_force) {
    start_again(*found, wait_status);
  }
  std::optional<ChildProcess> ended(std::move(*found));
  children_.erase(found);
  return ended;
}

void Generation::start_again(const ChildProcess& child, int wait_status) {
  auto& delay = delays_[child.role];
  if (steady_now() - child.started > kStableAfter) delay = 0ms;
  log::error("the process '{}' (pid {}) {}{}; restarting it{}", child.name, child.pid, describe_exit(wait_status),
             child.condemned ? "" : describe_work(child.pulse.rest(), plugins_.types()),
             delay == 0ms ? std::string() : fmt::format(" in {} ms", delay.count()));
  if (child.role.is_service()) {
    settled_ = false;
    service_begun_ = steady_now();
  }
  restarts_.emplace_back(steady_now() + delay, child.role);
  delay = std::clamp<std::chrono::milliseconds>(delay * 2, kFirstDelay, kMaxDelay);
}

std::optional<SteadyTime> Generation::next_timer() const {
  std::optional<SteadyTime> next;
  const auto consider = [&](SteadyTime time) { next = next ? std::min(*next, time) : time; };
  for (const ChildProcess& child : children_) {
    if (child.kill_at) consider(*child.kill_at);
  }
  for (const auto& [when, role] : restarts_) consider(when);
  if (state_ == State::beginning) consider(begun_ + kMaxSetUp);
  return next;
}

}  // namespace swage::server
