#include "core/server/park.h"

#include <algorithm>

#include "core/server/client_network.h"

namespace swage::server {
namespace {

constexpr std::size_t kCostBesideRequest = 512;          // bytes: a Parked, its Want, its places in lists and sets
constexpr std::size_t kFetchSize = 2, kNetworkSize = 8;  // bytes, before a key
constexpr std::size_t kBeforeKey = kFetchSize + kNetworkSize;

// What two networks want is two wants: whoever fetches shares out among networks what it asks at a time.
std::string map_key(std::uint16_t fetch, std::uint64_t network, Bytes key) {
  std::string text(kBeforeKey, '\0');
  store_u16(reinterpret_cast<std::uint8_t*>(text.data()), fetch);
  store_network(reinterpret_cast<std::uint8_t*>(text.data()) + kFetchSize, network);
  return text.append(as_text(key));
}

std::int64_t nanoseconds(std::chrono::milliseconds time) { return std::chrono::nanoseconds(time).count(); }

}  // namespace

void Origin::forget_parked() {
  if (park_ != nullptr) park_->forget(*this);
}

Park::Park(Responder& responder, Fetches fetches, const FetchMetrics& metrics, std::function<void()> wake,
           Limits limits, const NetworkShares::Key& key)
    : responder_(responder),
      fetches_(fetches),
      metrics_(metrics),
      wake_(std::move(wake)),
      limits_(limits),
      shares_(key) {
  responder_.park_in(this);
  show_room();
}

Park::~Park() { responder_.park_in(nullptr); }

std::size_t Park::cost(Bytes request, Bytes key) {
  return request.size() + kCostBesideRequest + (key.size() > Fetch::kMaxKey ? key.size() : 0);
}

Park::Refusal Park::take(const Router& router, const Arrival& arrival, const Query& query, dns::Later& said) {
  const dns::Later later = said;
  said.fetch = 0;
  const Bytes request = query.message;
  if (later.fetch == 0 || later.fetch > fetches_.size()) return Refusal::too_often;  // not what Fetch::later() says
  if (running_ != nullptr) return take_again(later);
  Origin* const origin = arrival.origin;
  const std::uint32_t share = shares_.share_of(network_number(arrival.client.address));
  const std::size_t cost = Park::cost(request, later.key);
  if (origin == nullptr || !has_room(*origin, cost, share)) return Refusal::no_room;
  std::list<Parked> one;
  Parked& parked =
      one.emplace_back(&router, std::vector<std::uint8_t>(request.begin(), request.end()), arrival, share, cost);
  parked.self = one.begin();
  parked.of_origin = origin->parked_.insert(origin->parked_.end(), &parked);
  origin->park_ = this;
  ++size_;
  bytes_ += cost;
  shares_.add(share, cost);
  metrics_.queries.at(later.fetch - 1U).add();
  wait_for(parked, one, later);
  show_room();
  return Refusal::none;
}

bool Park::has_room(const Origin& origin, std::size_t bytes, std::uint32_t share) const {
  if (origin.parked() >= origin.most_ || size_ >= limits_.queries || bytes_ + bytes > limits_.bytes) return false;
  if (shares_.has_room(share, bytes, {limits_.queries - size_, limits_.bytes - bytes_})) return true;
  metrics_.over_share.add();
  return false;
}

// One that has waited wants something else, or the same again.
Park::Refusal Park::take_again(const dns::Later& later) {
  Parked& parked = running_->front();
  if (parked.refusal != Refusal::none) return parked.refusal;
  if (parked.runs >= limits_.runs) return Refusal::too_often;
  ++parked.runs;
  wait_for(parked, *running_, later);
  return Refusal::none;
}

void Park::wait_for(Parked& parked, std::list<Parked>& from, const dns::Later& later) {
  const std::int64_t longest = nanoseconds(fetches_[later.fetch - 1U]->time());
  const std::int64_t time = later.patience == 0 ? longest : nanoseconds(std::chrono::milliseconds(later.patience));
  parked.deadline = std::max(parked.deadline, parked.arrival.received + time);
  parked.want = &want(later, parked.arrival.client.address);
  parked.want->waiting.splice(parked.want->waiting.end(), from, parked.self);
  deadlines_.emplace(parked.deadline, &parked);
  wake_();
}

Fetch::By Park::by(const Want& want) const { return fetches_[load_u16(as_bytes(want.self->first).data()) - 1U]->by(); }

Want& Park::want(const dns::Later& later, const IpAddress& client) {
  const auto [entry, is_new] = wants_.try_emplace(map_key(later.fetch, network_number(client), later.key));
  Want& want = entry->second;
  if (!is_new) return want;
  do {
    ++last_ticket_;
  } while (!tickets_.emplace(last_ticket_, entry).second);
  want.ticket = last_ticket_;
  want.self = entry;
  // Where nobody takes them, those that nobody waits for any more are not kept.
  std::vector<std::uint32_t>& unsaid = to_say(by(want)).unsaid;
  if (unsaid.size() > 2 * limits_.queries) {
    std::erase_if(unsaid, [this](std::uint32_t ticket) { return !tickets_.contains(ticket); });
  }
  unsaid.push_back(want.ticket);
  metrics_.wants.at(later.fetch - 1U).add();
  return want;
}

void Park::ahead(const Query& query, const dns::Later& later) {
  if (later.fetch > fetches_.size() || ahead_.size() >= limits_.ahead) return;
  Want& want = this->want(later, query.client.address);
  if (want.ahead_until != 0) return;
  want.ahead_until = query.received + nanoseconds(fetches_[later.fetch - 1U]->time());
  ahead_.emplace(want.ahead_until, want.ticket);
  wake_();
}

void Park::leave_ahead(Want& want) {
  ahead_.erase({std::exchange(want.ahead_until, 0), want.ticket});
  leave_want(want);
}

void Park::write(Fetch::By by, FetchPacket& packet) {
  auto& [unsaid, forgotten] = to_say(by);
  while (!forgotten.empty() && packet.add({FetchMessage::Kind::forget, forgotten.back()})) forgotten.pop_back();
  std::size_t said = 0;
  for (const std::uint32_t ticket : unsaid) {
    const auto found = tickets_.find(ticket);
    if (found != tickets_.end()) {
      const Bytes key = as_bytes(found->second->first);
      const FetchMessage want{FetchMessage::Kind::want, ticket, load_u16(key.data()), load_network(&key[kFetchSize]),
                              key.subspan(kBeforeKey)};
      if (!packet.add(want)) break;
      found->second->second.said = true;
    }
    ++said;
  }
  unsaid.erase(unsaid.begin(), unsaid.begin() + static_cast<std::ptrdiff_t>(said));
}

void Park::say_again(Fetch::By by) {
  auto& [unsaid, forgotten] = to_say(by);
  forgotten.clear();
  unsaid.clear();
  for (auto& [key, want] : wants_) {
    if (this->by(want) != by) continue;
    want.said = false;
    unsaid.push_back(want.ticket);
  }
  wake_();
}

void Park::settle(Fetch::By by, std::uint32_t ticket, bool fetched) {
  const auto found = tickets_.find(ticket);
  if (found == tickets_.end() || this->by(found->second->second) != by) return;
  Want& want = found->second->second;
  want.said = false;  // it is over there, too
  if (want.ahead_until != 0) {
    ahead_.erase({std::exchange(want.ahead_until, 0), want.ticket});
    if (want.waiting.empty()) return leave_want(want);
  }
  while (!want.waiting.empty()) {
    const bool last = want.waiting.size() == 1;
    let_run(want.waiting.front(), fetched ? Refusal::none : Refusal::failed);
    if (last) break;  // the want is gone
  }
  wake_();
}

void Park::answer(Fetch::By by, std::uint32_t ticket, Bytes response) {
  const auto found = tickets_.find(ticket);
  if (found == tickets_.end() || this->by(found->second->second) != by) return;
  for (Parked& parked : found->second->second.waiting) parked.answer.assign(response.begin(), response.end());
  settle(by, ticket, true);
}

void Park::let_pass(std::int64_t now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) let_run(*deadlines_.begin()->second, Refusal::late);
  while (!ahead_.empty() && ahead_.begin()->first <= now) leave_ahead(tickets_.at(ahead_.begin()->second)->second);
}

void Park::give_up(Fetch::By by) {
  for (auto each = deadlines_.begin(); each != deadlines_.end();) {
    Parked& parked = *(each++)->second;
    if (this->by(*parked.want) == by) let_run(parked, Refusal::late);
  }
}

std::optional<std::int64_t> Park::next_deadline() const {
  constexpr std::int64_t kNever = INT64_MAX;
  const std::int64_t next = std::min(deadlines_.empty() ? kNever : deadlines_.begin()->first,
                                     ahead_.empty() ? kNever : ahead_.begin()->first);
  return next == kNever ? std::nullopt : std::optional(next);
}

// REQUIRES: it waits.
void Park::let_run(Parked& parked, Refusal refusal) {
  Want& want = *std::exchange(parked.want, nullptr);
  parked.refusal = refusal;
  deadlines_.erase({parked.deadline, &parked});
  ready_.splice(ready_.end(), want.waiting, parked.self);
  leave_want(want);
}

// What nobody waits for any more is no longer wanted.
void Park::leave_want(Want& want) {
  if (!want.waiting.empty() || want.ahead_until != 0) return;
  if (want.said) to_say(by(want)).forgotten.push_back(want.ticket);
  tickets_.erase(want.ticket);
  wants_.erase(want.self);
}

bool Park::run(std::size_t most, std::int64_t now) {
  for (; most > 0 && !ready_.empty(); --most) run_first(now);
  while (!answered_.empty()) {
    Origin& origin = *answered_.extract(answered_.begin()).value();
    origin.flush_later();
  }
  return !ready_.empty();
}

void Park::run_first(std::int64_t now) {
  std::list<Parked> one;
  one.splice(one.end(), ready_, ready_.begin());
  const Parked& parked = one.front();
  const bool fetched = parked.refusal == Refusal::none;
  running_ = &one;
  responder_.refuse_later(parked.refusal);
  responder_.answer_with(parked.answer);
  const std::size_t size = responder_.respond(*parked.router, parked.request, parked.arrival, out_);
  running_ = nullptr;
  responder_.answer_with({});
  if (!one.empty()) {  // else it waits again
    const Arrival arrival = parked.arrival;
    if (fetched) metrics_.waited.observe(static_cast<double>(std::max<std::int64_t>(now - arrival.received, 0)) * 1e-9);
    remove(one.front(), one);
    arrival.origin->answer_later(arrival, Bytes(out_).first(size));
    answered_.insert(arrival.origin);
  }
  show_room();
}

void Park::remove(Parked& parked, std::list<Parked>& from) {
  Origin& origin = *parked.arrival.origin;
  origin.parked_.erase(parked.of_origin);
  --size_;
  bytes_ -= parked.cost;
  shares_.remove(parked.share, parked.cost);
  from.erase(parked.self);
}

void Park::forget(Origin& origin) {
  while (!origin.parked_.empty()) {
    Parked& parked = *origin.parked_.front();
    if (parked.want != nullptr) let_run(parked, Refusal::late);
    remove(parked, ready_);
  }
  answered_.erase(&origin);
  origin.park_ = nullptr;
  show_room();
  wake_();
}

// Where there is no room, the chain is told before it runs.
void Park::show_room() {
  responder_.refuse_later(size_ < limits_.queries && bytes_ < limits_.bytes ? Refusal::none : Refusal::no_room);
  metrics_.waiting.set(static_cast<double>(size_));
}

}  // namespace swage::server
