#include "core/fleet/fleet.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "core/async/tasks.h"
#include "core/counted.h"
#include "core/fleet/allowance.h"
#include "core/fleet/layout.h"
#include "core/log.h"

namespace swage::fleet {

using namespace std::chrono_literals;
using forge::ChallengeError;
using forge::OrChallengeError;

namespace {

constexpr std::chrono::milliseconds kBetweenSessions{500}, kMaxBetweenSessions{10'000};  // between two Sessions
constexpr std::chrono::milliseconds kLeaving{1'000};
// Values of so long share a lease, which ends this long after the last of them at least.
constexpr std::chrono::minutes kPerLease{10}, kAfterwards{10};
constexpr int kAdmissions = 30;         // tries, where others count for the same peer or network meanwhile
constexpr std::uint64_t kReserve = 32;  // a 32nd of the table is left free: other brokers write meanwhile

}  // namespace

// Those who wait for a value to be with all.
struct Fleet::Waiter {
  Waiter(Fleet& its_fleet) : fleet(its_fleet), done(its_fleet.around_.loop) {}
  ~Waiter() { forget(); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  void wait_for(Revision written) {
    revision = written;
    fleet.waiters_.emplace(written, this);
  }
  void forget() {
    const auto [first, last] = fleet.waiters_.equal_range(revision);
    const auto own = std::find_if(first, last, [this](const auto& each) { return each.second == this; });
    if (own != last) fleet.waiters_.erase(own);
  }

  Fleet& fleet;
  Revision revision = 0;  // of the value; 0: not written yet
  async::Event done;
  bool failed = false;
};

class Fleet::UnderWay {
 public:
  explicit UnderWay(Fleet& fleet) : fleet_(fleet) { ++fleet_.under_way_; }
  ~UnderWay() {
    if (--fleet_.under_way_ == 0) fleet_.idle_.set();
  }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  Fleet& fleet_;
};

Fleet::Fleet(Surroundings around, Settings settings, Measures measures, std::function<Result<>()> joined)
    : around_(around),
      settings_(std::move(settings)),
      measures_(measures),
      joined_(std::move(joined)),
      fence_passed_(around.loop, [this] { say_state(); }),
      idle_(around.loop),
      granting_(around.loop, 1) {
  for (std::size_t i = 0; i < kTurns; ++i) admissions_.emplace_back(around.loop, 1);
  set_fence(0);
}

async::Task<> Fleet::run(async::Event& stop) {
  std::chrono::milliseconds pause = kBetweenSessions;
  while (!stop.is_set()) {
    session_.emplace(around_, settings_.server, [this] { moved(); });
    const auto ended = co_await async::until(stop, session_->run());
    const bool was_well = valid_until_ != 0;
    leaving_ = !ended;
    set_fence(0);
    fail_waiters();
    static_cast<void>(co_await async::within(around_.loop, kLeaving, session_->leave()));
    session_.reset();
    if (!ended) break;
    pause = was_well ? kBetweenSessions : std::min(2 * pause, kMaxBetweenSessions);
    log::warning("plugin/acme-txt: {}: {}; reading everything again in {} ms", settings_.zone, ended->text,
                 pause.count());
    static_cast<void>(co_await async::wait_for(stop, pause));
  }
}

async::Task<> Fleet::finish() {
  ending_ = true;
  fail_waiters();
  if (under_way_ == 0) co_return;
  idle_.reset();
  co_await idle_.wait();
}

// What the Session found out, for the dns processes and for those who wait.
void Fleet::moved() {
  if (!session_) return;
  if (session_->joined() && !provided_) {
    const Result<> done = joined_();
    provided_ = done.has_value();
    if (!done) log::error("plugin/acme-txt: {}: {}", settings_.zone, done.error().text());
  }
  if (const std::int64_t until = provided_ ? session_->valid_until().count() : 0; until != valid_until_) {
    set_fence(until);
  }
  for (const Session::News& each : session_->take_news()) {
    if (each.is_warning) {
      log::warning("plugin/acme-txt: {}: {}", settings_.zone, each.text);
    } else {
      log::info("plugin/acme-txt: {}: {}; {}", settings_.zone, each.text,
                counted(session_->acknowledgements().members(), "nameserver"));
    }
  }
  const Revision acknowledged = session_->acknowledgements().acknowledged();
  while (!waiters_.empty() && waiters_.begin()->first <= acknowledged) {
    waiters_.begin()->second->done.set();
    waiters_.erase(waiters_.begin());
  }
}

// Milliseconds of CLOCK_BOOTTIME; 0: at once. (In the table a 0 would be no fence.)
void Fleet::set_fence(std::int64_t valid_until) {
  valid_until_ = valid_until;
  around_.table.set_valid_until(std::max<std::int64_t>(valid_until, 1));
  fence_passed_.stop();
  const std::int64_t left = valid_until - around_.clocks.boot();
  if (left > 0) fence_passed_.start(std::chrono::milliseconds(left + 1));
  say_state();
}

void Fleet::say_state() {
  const bool valid = is_valid();
  measures_.fenced.set(valid ? 0 : 1);
  if (valid == said_valid_) return;
  said_valid_ = valid;
  if (valid) {
    measures_.joins.add();
    log::info("plugin/acme-txt: {}: in the fleet as {}: {}, revision {}", settings_.zone, session_->id(),
              counted(session_->acknowledgements().members(), "nameserver"), session_->seen());
    if (const std::uint64_t count = session_->not_understood(); count != 0) {
      log::warning("plugin/acme-txt: {}: left out: {} without a value of a peer", settings_.zone,
                   counted(count, "entry", "entries"));
    }
  } else if (leaving_) {
    log::info("plugin/acme-txt: {}: left the fleet", settings_.zone);
  } else {
    log::error("plugin/acme-txt: {}: fenced: challenges are answered with SERVFAIL: {}", settings_.zone,
               !session_ || session_->trouble().empty() ? "the engine does not answer" : session_->trouble());
  }
}

void Fleet::fail_waiters() {
  for (const auto& [revision, waiter] : waiters_) {
    waiter->failed = true;
    waiter->done.set();
  }
  waiters_.clear();
}

bool Fleet::accepts() const { return session_ && session_->joined() && is_valid() && !ending_; }

std::unexpected<ChallengeError> Fleet::failed(ChallengeError error) const {
  using Failure = Measures::Failure;
  Failure failure = Failure::room;
  if (error == ChallengeError::unreachable) failure = Failure::engine;
  if (error == ChallengeError::timeout) failure = Failure::timeout;
  measures_.failures.at(static_cast<std::size_t>(failure)).add();
  return std::unexpected(error);
}

async::Task<OrChallengeError<>> Fleet::put(forge::Challenge challenge, std::int64_t) {
  const UnderWay under_way(*this);
  if (!accepts()) co_return failed(ChallengeError::unreachable);
  auto peer = libp2p::PeerId::from_multihash(challenge.multihash);
  if (!peer || !is_storable(challenge.value)) co_return failed(ChallengeError::invalid);
  Waiter waiter(*this);
  const auto stored =
      co_await async::within(around_.loop, settings_.patience, store(*std::move(peer), challenge, waiter));
  if (stored && *stored) co_return *stored;
  if (stored) co_return failed(stored->error());
  if (waiter.revision == 0) co_return failed(ChallengeError::unreachable);
  std::string late;
  if (session_) {
    for (const std::string& each : session_->acknowledgements().without(waiter.revision)) late += " " + each;
  }
  log::warning("plugin/acme-txt: {}: no word after {} s that a value has been seen by:{}", settings_.zone,
               settings_.patience.count() / 1000, late);
  co_return failed(ChallengeError::timeout);
}

async::Task<OrChallengeError<>> Fleet::store(libp2p::PeerId peer, forge::Challenge challenge, Waiter& waiter) {
  auto transaction = writing(peer, challenge);
  if (!transaction) co_return std::unexpected(transaction.error());
  const std::int64_t began = around_.loop.now();
  const auto seconds = [this, began] { return static_cast<double>(around_.loop.now() - began) / 1e9; };
  transaction->conditions.push_back(session_->in_this_store());
  const Revision seen = session_->seen();
  const auto revision = co_await write(*std::move(transaction));
  if (!revision) {
    log::debug("plugin/acme-txt: {}: {}", settings_.zone, revision.error().text);
    co_return std::unexpected(ChallengeError::unreachable);
  }
  measures_.engine_write.observe(seconds());
  const bool is_later = *revision && **revision > seen;  // else the store is not the one that was read
  if (!session_ || !is_later) co_return std::unexpected(ChallengeError::unreachable);
  waiter.wait_for(**revision);
  moved();  // it may be with all
  co_await waiter.done.wait();
  if (waiter.failed) co_return std::unexpected(ChallengeError::unreachable);
  measures_.acknowledgement.observe(seconds());
  co_return OrChallengeError<>();
}

// A place in every table: where there is none left, the oldest peer of a network that has most goes, everywhere.
OrChallengeError<Transaction> Fleet::writing(const libp2p::PeerId& peer, const forge::Challenge& challenge) {
  const std::uint64_t reserve = settings_.capacity / kReserve;
  const auto room = around_.table.room_for(challenge.multihash, around_.now(), challenge.network, reserve);
  if (!room) return std::unexpected(forge::challenge_error(room.error()));
  Transaction transaction;
  transaction.changes.push_back({value_key(peer, challenge.value), value_text(settings_.lifetime, challenge.network)});
  if (*room) {
    const shm::table::Version& oldest = **room;
    const auto whose = libp2p::PeerId::from_multihash(Bytes(oldest.key).first(oldest.key_size));
    for (std::size_t i = 0; whose && i < oldest.count; ++i) {
      transaction.changes.push_back({value_key(*whose, {oldest.values[i].text.data(), oldest.values[i].size})});
    }
  }
  return transaction;
}

// Under the lease of these ten minutes. nullopt: a condition does not hold.
async::Task<OrEngineError<std::optional<Revision>>> Fleet::write(Transaction transaction) {
  for (int tries = 0;; ++tries) {
    const auto lease = co_await value_lease();
    if (!lease) co_return std::unexpected(lease.error());
    for (auto& each : transaction.changes) each.lease = each.value ? *lease : 0;
    const auto revision = co_await around_.engine.change(transaction);
    if (revision || revision.error().kind != EngineError::Kind::lease_ended || tries != 0) co_return revision;
    if (value_lease_ == *lease) value_lease_ = 0;
  }
}

// For all that is written in ten minutes.
async::Task<OrEngineError<Lease>> Fleet::value_lease() {
  const auto permit = co_await granting_.acquire();
  const std::int64_t now = around_.clocks.boot();
  if (value_lease_ != 0 && now < value_lease_until_) co_return value_lease_;
  const auto lasts = std::max(std::chrono::milliseconds(settings_.lifetime), longest_allowance_);
  const auto time = std::chrono::ceil<std::chrono::seconds>(lasts);
  const auto granted = co_await around_.engine.grant(time + kPerLease + kAfterwards);
  if (!granted) co_return std::unexpected(granted.error());
  value_lease_ = *granted;
  value_lease_until_ = now + std::chrono::milliseconds(kPerLease).count();
  co_return value_lease_;
}

async::Task<OrChallengeError<std::chrono::microseconds>> Fleet::admit(std::vector<forge::Allowance> allowances,
                                                                      std::int64_t now) {
  const UnderWay under_way(*this);
  std::erase_if(allowances, [](const forge::Allowance& each) { return each.count == 0; });
  if (!accepts()) co_return failed(ChallengeError::unreachable);
  for (const forge::Allowance& each : allowances) {
    if (each.per <= longest_allowance_) continue;
    longest_allowance_ = each.per;
    value_lease_until_ = 0;
  }
  if (allowances.empty()) co_return std::chrono::microseconds(0);
  const auto admitted =
      co_await async::within(around_.loop, settings_.patience, admit_in_turn(std::move(allowances), now));
  if (!admitted || !*admitted) co_return failed(ChallengeError::unreachable);
  co_return **admitted;
}

// One after the other, as far as this broker's own are concerned: only other brokers get in between.
async::Task<OrEngineError<std::chrono::microseconds>> Fleet::admit_in_turn(std::vector<forge::Allowance> allowances,
                                                                           std::int64_t now) {
  const std::size_t turn = std::hash<std::string>()(allowances.back().key) % admissions_.size();
  const auto permit = co_await admissions_[turn].acquire();
  for (int tries = 0; tries < kAdmissions; ++tries) {
    const auto admitted = co_await try_admit(allowances, now);
    if (!admitted) {
      log::debug("plugin/acme-txt: {}: {}", settings_.zone, admitted.error().text);
      co_return std::unexpected(admitted.error());
    }
    if (*admitted) co_return **admitted;
    std::array<std::uint8_t, 1> chance;
    around_.random.fill(chance);
    co_await async::sleep(around_.loop, std::chrono::milliseconds(chance[0] % (2 * tries + 2)));
  }
  // In place: g++ 12 warns, without a reason, where a text of known length is moved.
  co_return std::unexpected<EngineError>(std::in_place, EngineError::Kind::unreachable,
                                         "others count for the same client all the time");
}

// nullopt: another broker has counted in between.
async::Task<OrEngineError<std::optional<std::chrono::microseconds>>> Fleet::try_admit(
    const std::vector<forge::Allowance>& allowances, std::int64_t now) {
  std::vector<std::string> keys;
  for (const forge::Allowance& each : allowances) keys.push_back(limit_key(each.key));
  const auto found = co_await around_.engine.find(keys);
  if (!found) co_return std::unexpected(found.error());
  Transaction transaction;
  std::optional<std::chrono::microseconds> wait(0);
  for (const forge::Allowance& each : allowances) {
    const std::string key = limit_key(each.key);
    const auto entry = std::ranges::find(*found, key, &Entry::key);
    const bool is_new = entry == found->end();
    const Bucket bucket(each, is_new ? "" : std::string_view(entry->value), std::chrono::milliseconds(now));
    wait = std::max(*wait, bucket.wait());
    transaction.conditions.push_back({key, is_new ? 0 : entry->revision});
    transaction.changes.push_back({key, bucket.after_one()});
  }
  if (*wait > 0us) co_return wait;
  const auto written = co_await write(std::move(transaction));
  if (!written) co_return std::unexpected(written.error());
  if (!*written) wait.reset();
  co_return wait;
}

void Fleet::measure() {
  const std::int64_t left = valid_until_ - around_.clocks.boot();
  measures_.fence_seconds.set(static_cast<double>(std::max<std::int64_t>(left, 0)) / 1000);
  measures_.fenced.set(left > 0 ? 0 : 1);
  measures_.members.set(session_ ? static_cast<double>(session_->acknowledgements().members()) : 0);
  measures_.revision.set(session_ ? static_cast<double>(session_->seen()) : 0);
  const Engine::Counts counts = around_.engine.counts();
  measures_.requests.add(counts.requests - counted_.requests);
  measures_.request_failures.add(counts.failures - counted_.failures);
  counted_ = counts;
}

}  // namespace swage::fleet
