#include "core/dial/race.h"

#include <algorithm>
#include <map>

#include "core/counted.h"

namespace swage::dial {

using async::Task;
using Kind = DialError::Kind;

namespace {
constexpr std::size_t kAddressesOfName = 8;
}

Race::Race(const Track& track, libp2p::PeerId peer)
    : track_(track), peer_(peer), changed_(track.means.loop), over_(track.means.loop) {}

Task<Race::Outcome> Race::run(const std::vector<std::string>& submitted, async::Event& cancel) {
  if (cancel.is_set() || track_.ending.is_set()) co_return std::unexpected(DialError(Kind::cancelled, "cancelled"));
  line_up(plan(submitted, peer_, track_.settings.addresses));
  if (targets_.empty() && resolving_ == 0) {
    co_return std::unexpected(DialError(Kind::nothing_dialable, "no address that may be dialled"));
  }
  async::Timer deadline(track_.means.loop, [this] { end(Kind::timed_out); });
  deadline.start(track_.settings.timeout);
  tasks_.start(watch(cancel));
  tasks_.start(watch(track_.ending));
  working_ = std::max<std::size_t>(track_.settings.concurrency, 1);
  if (resolving_ == 0) working_ = std::min(working_, targets_.size());
  for (std::size_t i = working_; i > 0; --i) tasks_.start(work());
  co_await over_.wait();
  co_return outcome();
}

// Addresses become targets, names are looked up.
void Race::line_up(std::vector<Candidate> candidates) {
  std::map<HostName, std::vector<Candidate>> names;
  for (Candidate& candidate : candidates) {
    if (const auto* address = std::get_if<IpAddress>(&candidate.host)) {
      add_target(candidate, *address);
      continue;
    }
    const HostName name = std::get<HostName>(candidate.host);
    if (names.size() < track_.settings.names || names.contains(name)) names[name].push_back(std::move(candidate));
  }
  resolving_ = names.size();
  for (auto& [name, of_name] : names) tasks_.start(resolve(name, std::move(of_name)));
}

// Every address that is ever connected to comes through here.
void Race::add_target(const Candidate& candidate, const IpAddress& address) {
  if (!track_.settings.policy.allows(address)) return;
  const Endpoint endpoint{address, candidate.port, 0};
  const auto alike = [&](const Target& other) {
    return other.transport == candidate.transport && other.endpoint == endpoint &&
           other.server_name == candidate.server_name;
  };
  if (std::ranges::any_of(targets_, alike)) return;
  targets_.push_back({candidate.address, candidate.transport, endpoint, candidate.server_name});
}

Task<> Race::resolve(HostName name, std::vector<Candidate> candidates) {
  const auto addresses = co_await track_.resolver.resolve(name.name, name.family);
  if (addresses) {
    for (std::size_t i = 0; i < std::min(addresses->size(), kAddressesOfName); ++i) {
      for (const Candidate& candidate : candidates) add_target(candidate, (*addresses)[i]);
    }
  } else {
    last_error_ = addresses.error().text();
  }
  --resolving_;
  changed_.set();
}

Task<> Race::work() {
  for (;;) {
    while (next_ == targets_.size() && resolving_ > 0) {
      changed_.reset();
      co_await changed_.wait();
    }
    if (next_ == targets_.size()) break;
    const Target& target = targets_[next_++];
    const auto permit = co_await track_.dials.acquire();
    ++dialled_;
    auto secured = co_await dial_target(track_.means, target, peer_);
    if (secured) {
      if (!won_) won_.emplace(target, *std::move(secured));
      over_.set();
      co_return;
    }
    last_error_ = fmt::format("{}: {}", target.address.to_string(), secured.error().text());
  }
  if (--working_ == 0) over_.set();
}

Task<> Race::watch(async::Event& event) {
  co_await event.wait();
  end(Kind::cancelled);
}

void Race::end(Kind kind) {
  if (!ended_) ended_ = kind;
  over_.set();
}

Race::Outcome Race::outcome() {
  if (won_) return *std::move(won_);
  if (ended_ == Kind::cancelled) return std::unexpected(DialError(Kind::cancelled, "cancelled"));
  if (ended_ && dialled_ == 0 && !targets_.empty()) return std::unexpected(DialError(Kind::busy, "too many dials"));
  std::string text = fmt::format("{} of {} dialled", dialled_, counted(targets_.size(), "address", "addresses"));
  if (!last_error_.empty()) text += "; the last error: " + last_error_;
  if (ended_) return std::unexpected(DialError(Kind::timed_out, std::move(text)));
  const Kind kind = targets_.empty() ? Kind::nothing_dialable : Kind::unreachable;
  return std::unexpected(DialError(kind, std::move(text)));
}

}  // namespace swage::dial
