// What a generation does when one of its children says something. Who may say what is in messages.h.
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "core/log.h"
#include "core/server/generation.h"
#include "core/shm/segment.h"

namespace swage::server {
namespace {

constexpr std::size_t kMaxATurn = 256;  // messages of one child before it is the others' turn

constexpr std::size_t kMaxLearnt = std::size_t{256} << 20;  // bytes of all that a service process says while it sets up
constexpr std::chrono::minutes kMayEnd{1};                  // after the server has begun
constexpr std::size_t kLearntEach = 64;                     // what a message counts for beside its text

// The descriptors that are left for memory: each name needs one as long as the configuration is in force.
std::size_t max_memories() {
  constexpr rlim_t kOthers = 128;  // sockets, channels
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= kOthers) return 0;
  return std::min<rlim_t>(limit.rlim_cur - kOthers, 1 << 20);
}

// What dns processes map must stay what it is, whoever sent it: no pipe, no device, nothing that one of them could
// write, and of a snapshot no byte changes.
bool is_memory(const message::Memory& message) {
  using shm::Mapping;
  const auto kind = message.name.kind;
  if (kind == MemoryKind::snapshot) return Mapping::check_seal(message.memory, shm::Seal::whole).has_value();
  if (kind == MemoryKind::shared) return Mapping::check_seal(message.memory, shm::Seal::elsewhere).has_value();
  struct stat status{};
  return fstat(message.memory.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
}

void pass_on(ChildProcess& child, const MemoryName& name, const Descriptor& memory) {
  Result<Descriptor> copy = memory.duplicate();
  if (copy) {
    child.channel.send_newest(message::Memory{name, *std::move(copy)});
  } else {  // without it the child would go on with what is old; its successor gets everything
    child.condemn(fmt::format("{}: {}", name.name, copy.error().text()));
  }
}

}  // namespace

void Generation::exchange_messages() {
  for (ChildProcess& child : children_) {
    child.channel.flush();
    exchange_messages(child);
  }
}

void Generation::exchange_messages(ChildProcess& child) {
  if (!child.may_speak()) return;
  std::size_t taken = 0;
  const Result<> received = child.channel.receive([&](Packet packet) {
    ++child.said;
    if (state_ != State::leaving && !child.condemned) hear(child, std::move(packet));
    return ++taken < kMaxATurn && child.may_speak();
  });
  // It is gone, as SIGCHLD will tell; or something was lost, and it has to begin anew.
  if (!received) child.kill();
}

void Generation::hear(ChildProcess& child, Packet packet) {
  const auto take = [&](auto&& message) { on(child, std::forward<decltype(message)>(message)); };
  switch (child.role.kind) {
    case Role::Kind::dns:
    case Role::Kind::stream:
      return child.ready ? decode<FromDnsServing>(std::move(packet), take)
                         : decode<FromDnsSettingUp>(std::move(packet), take);
    case Role::Kind::fetch:
      return child.ready ? decode<FromFetchRunning>(std::move(packet), take)
                         : decode<FromFetchSettingUp>(std::move(packet), take);
    case Role::Kind::service:
      return child.ready ? decode<FromServiceRunning>(std::move(packet), take)
                         : decode<FromServiceSettingUp>(std::move(packet), take);
  }
}

void Generation::on(ChildProcess& child, const message::Forbidden&) {
  child.condemn("it said what is not for it to say");
}

void Generation::on(ChildProcess& child, const message::Ready&) {
  child.become_ready();
  if (child.role.is_service()) service_ready_ = true;
  if (child.role.is_dns()) {
    if (const Result<> sealed = pieces_.seal(child, children_); !sealed) child.condemn(sealed.error().text());
  }
  // Its memory was passed on: no dns process hears that something is fetched before it has where to look.
  if (child.role.is_fetch()) child.channel.send(message::Start{});
}

void Generation::on(ChildProcess& child, const message::Failed& message) {
  if (state_ == State::beginning) {
    fail(message.why);
  } else {
    log::error("{}: {}", child.name, message.why);
  }
}

// False where what the service process says is not to be kept: what replaces one of the configuration in force says
// again what is known.
bool Generation::learns(std::size_t text) {
  if (state_ != State::beginning) return false;
  learnt_ += text + kLearntEach;
  if (learnt_ > kMaxLearnt) fail("the configuration is too large");
  return !failure_;
}

void Generation::on(ChildProcess&, message::Declare message) {
  if (!learns(message.name.name.size())) return;
  if (declared_.size() >= max_memories()) {
    fail(fmt::format("more than {} zones and lists: raise the limit of open files (ulimit -n)", declared_.size()));
    return;
  }
  if (message.by == Fetch::By::fetch) fetched_.insert(message.name);
  declared_.insert(std::move(message.name));
}

void Generation::on(ChildProcess&, message::DeclareWorkerMemory message) {
  if (!learns(message.name.size())) return;
  if (const Result<> declared = pieces_.declare(std::move(message)); !declared) fail(declared.error().text());
}

void Generation::on(ChildProcess&, message::Listen message) {
  if (learns(message.place.size())) listen_.push_back(std::move(message));
}

void Generation::on(ChildProcess&, const message::Lameduck& message) {
  if (learns(0)) lameduck_ = message.time;
}

void Generation::on(ChildProcess&, message::Serves message) {
  if (learns(message.line.size())) serves_.push_back(std::move(message.line));
}

void Generation::on(ChildProcess&, const message::StaysRoot&) {
  if (learns(0)) service_is_root_ = true;
}

void Generation::on(ChildProcess&, const message::Settled&) { settled_ = true; }

void Generation::on(ChildProcess&, const message::Reload&) { reload_requested_ = state_ == State::in_force; }

void Generation::on(ChildProcess&, const message::Upgrade&) { upgrade_requested_ = state_ == State::in_force; }

// A service process that is taken over later cannot end the server.
void Generation::on(ChildProcess&, const message::End& message) {
  if (number_ == 1 && state_ == State::in_force && steady_now() < begun_ + kMayEnd) {
    end_requested_ = message.why;
  } else {
    log::error("{}; the server goes on", message.why);
  }
}

// Keeps memory that the process sent which provides it, for processes to come, and hands it to the dns processes there
// are.
void Generation::on(ChildProcess& provider, message::Memory message) {
  const bool is_its_own = fetched_.contains(message.name) == provider.role.is_fetch();
  if (!declared_.contains(message.name) || !is_its_own || !is_memory(message)) {
    return on(provider, message::Forbidden{});
  }
  for (ChildProcess& child : children_) {
    if (child.role.is_dns() && is_for(child.role, message.name)) pass_on(child, message.name, message.memory);
  }
  if (message.name.kind != MemoryKind::snapshot) news_.insert(message.name);
  memories_[message.name] = {std::move(message.memory), false};
}

void Generation::on(ChildProcess&, const message::Forget& message) {
  for (ChildProcess& child : children_) {
    if (child.role.is_fetch() && child.ready) child.channel.send(message::Forget{message.zone});
  }
}

// What a service process that is set up says of memory which it does not replace: it is that of the generation before,
// or what this one has already.
void Generation::on(ChildProcess& service, const message::Keep& message) {
  const bool is_its_own = declared_.contains(message.name) && !fetched_.contains(message.name);
  if (!is_its_own || message.name.kind == MemoryKind::snapshot) {
    return on(service, message::Forbidden{});
  }
  if (state_ == State::in_force) return;
  const auto found = inherited_.find(message.name);
  if (found == inherited_.end()) return on(service, message::Forbidden{});
  Result<Descriptor> copy = found->second.duplicate();
  if (copy) memories_[message.name] = {*std::move(copy), true};
}

// To the service process, which began with what was there; to dns processes, where that is what they have, too. The
// fetch process has copied what there was.
void Generation::inherit_news(const Generation& before) {
  for (const MemoryName& name : before.news_) inherit_new(name, before.memories_.at(name).memory);
}

void Generation::inherit_new(const MemoryName& name, const Descriptor& memory) {
  const auto own = memories_.find(name);
  const bool is_own = own != memories_.end() && own->second.is_inherited;
  for (ChildProcess& child : children_) {
    const bool has_it = child.role.is_dns() && is_own && name.kind == MemoryKind::shared;
    if (child.role.is_service() || has_it) pass_on(child, name, memory);
  }
  for (Descriptor* const old : {&inherited_[name], is_own ? &own->second.memory : nullptr}) {
    Result<Descriptor> copy = memory.duplicate();
    if (old != nullptr && copy) *old = *std::move(copy);
  }
}

Result<> Generation::hand_over(Channel& successor) const {
  for (const auto& [name, memory] : memories_) {
    TRY(Descriptor copy, memory.memory.duplicate());
    successor.send(message::Memory{name, std::move(copy)});
  }
  return {};
}

void Generation::hand_over_news(Channel& successor) const {
  for (const MemoryName& name : news_) {
    Result<Descriptor> copy = memories_.at(name).memory.duplicate();
    if (copy) successor.send_newest(message::Memory{name, *std::move(copy)});
  }
}

}  // namespace swage::server
