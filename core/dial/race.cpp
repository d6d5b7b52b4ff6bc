#include "core/dial/race.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "core/counted.h"
#include "core/dial/network.h"
#include "core/text.h"

namespace swage::dial {

using async::Task;
using std::chrono::nanoseconds;

namespace {

constexpr std::size_t kAddressesOfName = 8;
constexpr nanoseconds kSlack = std::chrono::milliseconds(200);  // for what ends at the last moment
constexpr Stage kQueued = "queued";                             // for a place that others have

// The address of a name that was resolved is told, too.
std::string name_of(const Candidate& candidate, const IpAddress& address) {
  std::string text = candidate.address.to_string();
  if (std::holds_alternative<HostName>(candidate.host)) text += fmt::format(" ({})", address.to_string());
  return text;
}

// "noise: timed out"; without the stage where the reason begins with it.
std::string staged(Stage stage, std::string_view why) {
  constexpr std::string_view kConnectTo = "connect to ";  // and the endpoint, which is known
  if (stage == "connect" && why.starts_with(kConnectTo)) why.remove_prefix(std::min(why.size(), why.rfind(": ") + 2));
  const bool begins =
      why.size() > stage.size() && why[stage.size()] == ':' && equal_without_case(why.substr(0, stage.size()), stage);
  return begins ? std::string(why) : fmt::format("{}: {}", stage, why);
}

}  // namespace

Race::Race(const RaceResources& resources, libp2p::PeerId peer, const IpAddress& client)
    : resources_(resources),
      peer_(peer),
      client_(client),
      network_(network_of(client)),
      began_(resources.loop.now()),
      at_once_(resources.loop, std::max<std::size_t>(resources.settings.concurrency, 1)),
      over_(resources.loop) {}

nanoseconds Race::elapsed() const { return nanoseconds(resources_.loop.now() - began_); }

Task<Race::Outcome> Race::run(const std::vector<std::string>& submitted, async::Event& cancel, async::Event& wanted) {
  async::Timer deadline(resources_.loop, [this] { end(Kind::timed_out); });
  deadline.start(resources_.settings.timeout);
  tasks_.start(watch(cancel, Kind::cancelled));
  tasks_.start(watch(resources_.ending, Kind::cancelled));
  tasks_.start(watch(wanted, Kind::busy));
  line_up(plan(submitted, peer_, resources_.settings.addresses), submitted);
  one_less();
  co_await over_.wait();
  co_return outcome();
}

// Addresses become targets, names are looked up. First of all what is the client's own network, and one target of each
// host.
void Race::line_up(const Plan& plan, const std::vector<std::string>& submitted) {
  other_transports_only_ = plan.other_transports_only;
  for (const Skipped& each : plan.skipped) report_.not_dialled(submitted[each.index], each.why);
  for (std::size_t i = kMaxSubmissions; i < submitted.size(); ++i) report_.not_dialled();
  using Ranked = std::tuple<std::size_t, bool, const Candidate*>;
  std::vector<Ranked> ranked;
  std::map<IpAddress, std::size_t> of_host;
  std::map<HostName, std::vector<Candidate>> names;
  for (const Candidate& candidate : plan.candidates) {
    if (const auto* address = std::get_if<IpAddress>(&candidate.host)) {
      ranked.emplace_back(of_host[destination_of(*address)]++, network_of(*address) != network_, &candidate);
      continue;
    }
    const HostName& name = std::get<HostName>(candidate.host);
    if (names.size() < resources_.settings.names || names.contains(name)) {
      names[name].push_back(candidate);
    } else {
      report_.not_dialled(candidate.address.to_string(), "one name too many");
    }
  }
  const auto before = [](const Ranked& a, const Ranked& b) {
    return std::pair(std::get<0>(a), std::get<1>(a)) < std::pair(std::get<0>(b), std::get<1>(b));
  };
  std::ranges::stable_sort(ranked, before);
  for (const auto& [rank, foreign, candidate] : ranked) add_target(*candidate, std::get<IpAddress>(candidate->host));
  under_way_ += names.size();
  for (auto& [name, of_name] : names) tasks_.start(resolve(name, std::move(of_name)));
}

void Race::add_target(const Candidate& candidate, const IpAddress& address) {
  Target target{candidate.address, candidate.transport, {address, candidate.port, 0}, candidate.server_name};
  std::string name = name_of(candidate, address);
  if (const std::string why = objection(target); !why.empty()) return report_.not_dialled(name, why);
  Attempt& added = attempts_.emplace_back(resources_.loop, std::move(target), std::move(name), attempts_.size());
  added.host = destination_of(address);
  added.known = resources_.loop.now();
  last_known_ = std::max(last_known_, nanoseconds(0));
  ++under_way_;
  tasks_.start(try_target(added));
}

// Why a target is not even tried; empty: it is.
std::string Race::objection(const Target& target) const {
  const Settings& settings = resources_.settings;
  if (const auto why = settings.policy.objection(target.endpoint.address); !why.empty()) return std::string(why);
  if (const auto whose = settings.policy.objection(target.endpoint.port); !whose.empty()) {
    return fmt::format("the port of {}", whose);
  }
  const IpAddress host = destination_of(target.endpoint.address);
  std::size_t of_host = 0;
  for (const Attempt& each : attempts_) {
    const Target& other = each.target;
    if (each.host != host) continue;
    ++of_host;
    if (other.transport == target.transport && other.endpoint.port == target.endpoint.port &&
        other.server_name == target.server_name) {
      return "the same as one before";
    }
  }
  if (of_host == settings.connections_of_address) {
    return fmt::format("{} of this host already", counted(of_host, "address", "addresses"));
  }
  if (attempts_.size() == settings.connections) return fmt::format("{} already", counted(attempts_.size(), "other"));
  return "";
}

Task<> Race::resolve(HostName name, std::vector<Candidate> candidates) {
  auto looking = look_up(name);
  const auto addresses = co_await std::move(looking);
  // How soon a name was found says whether others have asked for it: not told either.
  const nanoseconds step = resources_.settings.lookup_step;
  last_known_ = std::max(last_known_, (elapsed() + step) / step * step);
  if (addresses && *addresses) {
    for (std::size_t i = 0; i < std::min((*addresses)->size(), kAddressesOfName); ++i) {
      for (const Candidate& candidate : candidates) add_target(candidate, (**addresses)[i]);
    }
  } else {
    const std::string why = addresses ? "look-up: " + addresses->error().text() : "look-up: gave way to others";
    for (const Candidate& candidate : candidates) report_.not_dialled(candidate.address.to_string(), why);
  }
  one_less();
}

// nullopt: somebody else has its place.
Task<std::optional<Result<std::vector<IpAddress>>>> Race::look_up(HostName name) {
  async::Event wanted(resources_.loop);
  ++lookups_waiting_;
  const async::Shares::Place place = co_await resources_.lookups.acquire(network_, wanted);
  --lookups_waiting_;
  auto resolving = resources_.resolver.resolve(std::move(name.name), name.family);
  auto addresses = co_await async::until(wanted, std::move(resolving));
  if (!addresses) busy_ = true;
  co_return addresses;
}

Task<> Race::try_target(Attempt& attempt) {
  auto turn = take_turn(attempt);
  const auto time = resources_.settings.target_timeout * static_cast<int>(round_of(attempt.index));
  const auto done = co_await async::within(resources_.loop, time, std::move(turn));
  if (!done && attempt.why.empty()) attempt.why = "timed out";
  if (!done && attempt.stage == kQueued) busy_ = true;
  attempt.over.set();
  one_less();
}

// Whether it has won.
Task<bool> Race::take_turn(Attempt& attempt) {
  auto waiting = await_turn(attempt);
  co_await std::move(waiting);
  const async::Semaphore::Permit permit = co_await at_once_.acquire();
  async::Event wanted(resources_.loop);
  attempt.stage = kQueued;
  const async::Shares::Place place = co_await resources_.dials.acquire(network_, wanted);
  auto dialling = dial(attempt);
  const auto won = co_await async::until(wanted, std::move(dialling));
  if (!won) attempt.why = "gave way to others";
  if (!won) busy_ = true;
  co_return won.value_or(false);
}

// Another target of the same host goes first: mostly it is the same node, and so one connection is enough. One that is
// silent does not hold this up for long.
Task<bool> Race::await_turn(Attempt& attempt) {
  for (std::size_t i = 0; i < attempt.index; ++i) {
    Attempt& other = attempts_[i];
    if (other.host != attempt.host) continue;
    const nanoseconds rest = resources_.settings.stagger - nanoseconds(resources_.loop.now() - attempt.known);
    if (rest.count() <= 0) co_return true;
    const auto time = std::chrono::ceil<std::chrono::milliseconds>(rest);
    co_await async::wait_for(other.over, time);
  }
  co_return true;
}

Task<bool> Race::dial(Attempt& attempt) {
  if (!may_connect(attempt)) co_return false;
  auto dialling = resources_.target_dialer.dial(attempt.target, peer_, attempt.stage);
  auto dialled = co_await std::move(dialling);
  if (!dialled) {
    attempt.why = dialled.error().text();
    co_return false;
  }
  if (!won_) won_.emplace(attempt.target, *std::move(dialled));
  over_.set();
  co_return true;
}

// Counts a connection for its network, or says why there is none.
bool Race::may_connect(Attempt& attempt) {
  const auto now = std::chrono::milliseconds(resources_.loop.now() / 1'000'000);
  const auto wait = resources_.limits.take(attempt.target.endpoint.address, client_, now);
  if (wait.count() > 0) {
    limited_ = std::max(limited_, wait);
    attempt.why = fmt::format("{} is dialled too often", network_of(attempt.host).to_string());
    return false;
  }
  attempt.connected = true;
  return true;
}

Task<> Race::watch(async::Event& event, Kind kind) {
  co_await event.wait();
  end(kind);
}

void Race::end(Kind kind) {
  if (!ended_) ended_ = kind;
  over_.set();
}

void Race::one_less() {
  if (--under_way_ == 0) over_.set();
}

// Where fewer are dialled at once than there are, those that come later have as much more time: from 1.
std::size_t Race::round_of(std::size_t index) const {
  return index / std::max<std::size_t>(resources_.settings.concurrency, 1) + 1;
}

nanoseconds Race::answer_time() const {
  if (last_known_.count() < 0) return nanoseconds(0);
  const std::size_t rounds = attempts_.empty() ? 1 : round_of(attempts_.size() - 1);
  const nanoseconds all = last_known_ + resources_.settings.target_timeout * static_cast<int>(rounds);
  return std::min<nanoseconds>(all, resources_.settings.timeout) + kSlack;
}

Race::Outcome Race::outcome() {
  if (won_) return *std::move(won_);
  if (ended_ == Kind::cancelled) return std::unexpected(DialError(Kind::cancelled, "cancelled"));
  for (const Attempt& each : attempts_) {
    const std::string_view why = each.why.empty() ? "not over yet" : std::string_view(each.why);
    if (each.connected) {
      report_.dialled(each.name, staged(each.stage, why));
    } else {
      report_.not_dialled(each.name, why == "timed out" ? "no place in time" : why);
    }
  }
  return std::unexpected(
      DialError(kind_of_failure(), report_.text(), std::chrono::ceil<std::chrono::seconds>(limited_)));
}

// What is our want comes first: the client did nothing wrong by it.
DialError::Kind Race::kind_of_failure() const {
  const bool queued = std::ranges::any_of(attempts_, [](const Attempt& each) { return each.stage == kQueued; });
  if (ended_ == Kind::busy || busy_ || (ended_ && (queued || lookups_waiting_ > 0))) return Kind::busy;
  if (limited_.count() > 0) return Kind::limited;
  if (ended_) return *ended_;
  if (!attempts_.empty()) return Kind::unreachable;
  return other_transports_only_ ? Kind::other_transports : Kind::nothing_dialable;
}

}  // namespace swage::dial
