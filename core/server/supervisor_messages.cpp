// What the supervisor does when a child says something. Children talk to strangers, and may have been taken over: from
// each the supervisor takes what a process of its kind has to say in its state, and no more. One that says anything
// else is killed, and replaced.
//
//     dns process                     ready, failed: once
//     service process, setting up     declare, listen, listen_service, lameduck, serves, stays_root;
//                                     ready, failed: once
//                     at any time     memory that was declared: snapshot, shared, service_memory
//                     when ready      settled, reload
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>

#include "core/log.h"
#include "core/server/child.h"
#include "core/server/supervisor.h"
#include "core/shm/segment.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr auto kMaxUnsettled = 3s;
constexpr std::size_t kMaxATurn = 256;     // messages of one child before it is the others' turn
constexpr std::size_t kMaxASecond = 1000;  // messages of a child that is ready; more have to wait in its channel

constexpr std::size_t kMaxTold = std::size_t{256} << 20;  // bytes of all that a service process says while it sets up
constexpr std::size_t kToldEach = 64;                     // what a message counts for beside its text

// The descriptors that are left for memory: each name needs one as long as the configuration is in force.
std::size_t max_memories() {
  constexpr rlim_t kOthers = 128;  // sockets, channels
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= kOthers) return 0;
  return std::min<rlim_t>(limit.rlim_cur - kOthers, 1 << 20);
}

// How a memory is named in Generation::declared, and after `declare`.
std::string memory_key(Message::Kind kind, const std::string& name) { return static_cast<char>(kind) + name; }

// What dns processes map must stay what it is, whoever sent it: no pipe, no device, nothing that one of them could
// write, and of a snapshot no byte changes.
bool is_memory(const Message& message) {
  using shm::Segment;
  const int fd = message.descriptor.get();
  if (message.kind == Message::Kind::snapshot) return Segment::check_seal(fd, Segment::Seal::whole).has_value();
  if (message.kind == Message::Kind::shared) return Segment::check_seal(fd, Segment::Seal::elsewhere).has_value();
  struct stat status{};
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
}

}  // namespace

// Takes the messages of a child; a `generation` of nullptr: it is leaving, and only to be listened to. The generation
// may be gone afterwards.
void Supervisor::receive(Generation* generation, ChildProcess& child) {
  for (std::size_t taken = 0; taken < kMaxATurn && may_speak(child); ++taken) {
    Result<std::optional<Message>> message = child.channel.receive();
    if (!message) {  // it is gone, as SIGCHLD will tell; or something was lost, and it has to begin anew
      child.kill(SIGKILL);
      return;
    }
    if (!message->has_value()) return;
    ++child.said;
    if (generation == nullptr || child.condemned) continue;
    handle(*generation, child, std::move(**message));
    if (generation != current_.get() && generation != next_.get()) return;
  }
}

// Publications cost the supervisor and all dns processes something: a second has room for so many of them.
bool Supervisor::may_speak(ChildProcess& child) const {
  if (!child.ready) return true;
  const SteadyTime now = steady_now();
  if (now - child.allowance_began >= 1s) {
    child.allowance_began = now;
    child.said = 0;
  }
  return child.said < kMaxASecond;
}

void Supervisor::handle(Generation& generation, ChildProcess& child, Message message) {
  if (message.kind == Message::Kind::ready && !child.ready) {
    take_ready(generation, child);
  } else if (message.kind == Message::Kind::failed && !child.ready) {
    if (&generation == next_.get()) {
      abandon_next(message.text);
    } else {
      log::error("{}: {}", child.name, message.text);
    }
  } else if (child.worker || !handle_service(generation, child, message)) {
    condemn(child, "it said what is not for it to say");
  }
}

// False for what this service process may not say now.
bool Supervisor::handle_service(Generation& generation, ChildProcess& service, Message& message) {
  switch (message.kind) {
    case Message::Kind::snapshot:
    case Message::Kind::shared:
    case Message::Kind::service_memory:
      if (!generation.declared.contains(memory_key(message.kind, message.text))) return false;
      if (!message.descriptor.exists()) return !service.ready && keep_as_it_is(generation, message);
      if (!is_memory(message)) return false;
      keep(generation, std::move(message));
      return true;
    case Message::Kind::settled:
      if (!service.ready) return false;
      generation.settled = true;
      return true;
    case Message::Kind::reload:
      if (!service.ready) return false;
      if (&generation == current_.get()) reload();
      return true;
    case Message::Kind::declare:
    case Message::Kind::listen:
    case Message::Kind::listen_service:
    case Message::Kind::lameduck:
    case Message::Kind::serves:
    case Message::Kind::stays_root:
      if (service.ready) return false;
      // What replaces a process of the configuration in force says again what is known.
      if (&generation == next_.get()) learn(generation, std::move(message));
      return true;
    default:
      return false;
  }
}

// What the next configuration is.
void Supervisor::learn(Generation& generation, Message message) {
  generation.told += message.text.size() + kToldEach;
  if (generation.told > kMaxTold) return abandon_next("the configuration is too large");
  if (message.kind == Message::Kind::declare) {
    if (generation.declared.size() >= max_memories()) {
      return abandon_next(fmt::format("more than {} zones and lists: raise the limit of open files (ulimit -n)",
                                      generation.declared.size()));
    }
    generation.declared.insert(std::move(message.text));
  } else if (message.kind == Message::Kind::listen || message.kind == Message::Kind::listen_service) {
    const Result<Endpoint> endpoint = parse_endpoint(message.text);
    if (!endpoint) return;
    (message.kind == Message::Kind::listen ? generation.listen : generation.service_listen).push_back(*endpoint);
    generation.places.emplace(*endpoint, place_in(message.text));
  } else if (message.kind == Message::Kind::lameduck) {
    generation.lameduck = drain_time(message);
  } else if (message.kind == Message::Kind::serves) {
    generation.serves.push_back(std::move(message.text));
  } else if (message.kind == Message::Kind::stays_root) {
    generation.service_is_root = true;
  }
}

// A reload begins with the memory that the service process in force has provided, so it waits until that has taken over
// from the one before; not for ever, since a reload may be what mends it.
bool Supervisor::is_settled() const {
  return current_ == nullptr || current_->settled || steady_now() - current_->service_begun > kMaxUnsettled;
}

void Supervisor::take_ready(Generation& generation, ChildProcess& child) {
  child.ready = true;
  child.said = 0;
  child.allowance_began = steady_now();
  child.beat = steady_now();
  if (&generation == current_.get()) {
    if (!child.worker) start_service(child);
    return;
  }
  if (!generation.workers_started) {
    if (const Result<> started = start_workers(generation); !started) abandon_next(started.error().text());
    return;
  }
  const auto is_ready = [](const ChildProcess& each) { return each.ready; };
  if (std::all_of(generation.children.begin(), generation.children.end(), is_ready)) put_in_force();
}

// Keeps memory that the service sent, for processes to come, and hands it to the dns processes there are; to the
// service process of the next generation, too, which began with what was there before.
void Supervisor::keep(Generation& generation, Message message) {
  const bool for_services = message.kind == Message::Kind::service_memory;
  for (ChildProcess& child : generation.children) {
    if (child.worker && !for_services) pass_on(child, message.kind, message);
  }
  if (&generation == current_.get() && next_ != nullptr && message.kind != Message::Kind::snapshot) {
    const bool has_it = next_->declared.contains(memory_key(message.kind, message.text)) && !for_services &&
                        next_->shared.contains(message.text);
    for (ChildProcess& child : next_->children) {
      if (!child.worker || has_it) pass_on(child, Message::Kind::shared, message);
    }
    if (has_it) {
      Result<Descriptor> copy = message.descriptor.duplicate();
      if (copy) next_->shared[message.text] = std::move(*copy);
    }
  }
  memories(generation, message.kind)[message.text] = std::move(message.descriptor);
}

// What a service process that is set up says of memory which it does not replace: it is that of the generation in
// force.
bool Supervisor::keep_as_it_is(Generation& generation, const Message& message) {
  if (message.kind == Message::Kind::snapshot) return false;
  if (&generation == current_.get()) return true;
  if (current_ == nullptr) return false;
  const auto found = memories(*current_, message.kind).find(message.text);
  if (found == memories(*current_, message.kind).end()) return false;
  Result<Descriptor> copy = found->second.duplicate();
  if (copy) memories(generation, message.kind)[message.text] = std::move(*copy);
  return true;
}

void Supervisor::pass_on(ChildProcess& child, Message::Kind kind, const Message& message) {
  Result<Descriptor> copy = message.descriptor.duplicate();
  if (copy) {
    child.channel.send_newest({kind, message.text, std::move(*copy)});
  } else {  // without it the child would go on with what is old; its successor gets everything
    log::error("{}: {}: {}", child.name, message.text, copy.error().text());
    child.kill(SIGKILL);
  }
}

std::map<std::string, Descriptor>& Supervisor::memories(Generation& generation, Message::Kind kind) {
  if (kind == Message::Kind::snapshot) return generation.snapshots;
  return kind == Message::Kind::service_memory ? generation.service_memory : generation.shared;
}

// Kills a child that does not do what it is there for. It is replaced when its end is noticed.
void Supervisor::condemn(ChildProcess& child, const std::string& why) {
  if (child.condemned) return;
  child.condemned = true;
  log::error("the process '{}' (pid {}) is killed: {}", child.name, child.pid, why);
  child.kill(SIGKILL);
}

}  // namespace swage::server
