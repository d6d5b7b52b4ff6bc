#include "core/fleet/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/async/tasks.h"
#include "core/fleet/layout.h"

namespace swage::fleet {

using namespace std::chrono_literals;

namespace {

constexpr auto kPause = 250ms;       // after something that did not work
constexpr std::size_t kReaders = 3;  // ranges at a time

constexpr std::size_t kDigits = 8;

std::string random_digits(crypto::Random& random) {
  std::array<std::uint8_t, 4> number;
  random.fill(number);
  return fmt::format("{:08x}", load_u32(number.data()));
}

std::string new_id(const ServerName& server, crypto::Random& random) {
  return fmt::format("{}.{}{}", server.name, server.process, random_digits(random));
}

bool is_final(EngineError::Kind kind) {
  return kind == EngineError::Kind::forgotten || kind == EngineError::Kind::refused;
}

}  // namespace

Session::Session(Surroundings around, ServerName server, std::function<void()> moved)
    : around_(around),
      server_(std::move(server)),
      moved_(std::move(moved)),
      id_(new_id(server_, around.random)),
      replica_(around.table),
      changed_(around.loop),
      watch_again_(around.loop),
      ended_(around.loop) {}

async::Task<EngineError> Session::run() {
  auto read_all = co_await read();
  if (!read_all) co_return std::move(read_all).error();
  check_room();
  if (why_ended_) co_return *why_ended_;
  {
    async::Tasks tasks;
    tasks.start(follow());
    tasks.start(keep());
    co_await ended_.wait();
  }
  co_return *why_ended_;
}

async::Task<bool> Session::leave() {
  if (lease_ == 0) co_return true;
  const auto revoked = co_await around_.engine.revoke(lease_);
  co_return revoked.has_value();
}

void Session::end(EngineError why) {
  trouble_ = why.text;
  if (!why_ended_) why_ended_ = std::move(why);
  ended_.set();
}

// Ranges that are still to be read, by several at a time: the engine finds one while another is put into the table.
struct Session::Reading {
  explicit Reading(async::Loop& loop) : done(loop) {}

  std::vector<KeyRange> ranges = ranges_to_read();
  std::size_t next = 0;
  std::size_t readers = 0;
  Revision at = 0;
  std::optional<EngineError> error{};
  async::Event done;
};

// An engine that has lost its data, or was given others, counts revisions anew: what the table has seen says nothing of
// them. So a store has a name that another one in its place has not.
async::Task<OrEngineError<>> Session::know_store() {
  const std::vector<std::string> keys{store_key()};
  for (bool again = false;; again = true) {
    const auto found = co_await around_.engine.find(keys);
    if (!found) co_return std::unexpected(found.error());
    if (!found->empty()) {
      store_ = found->front().value;
      co_return OrEngineError<>();
    }
    if (again) {
      co_return std::unexpected<EngineError>(std::in_place, EngineError::Kind::unreachable,
                                             "what was written is not there: are all URLs those of one etcd?");
    }
    Transaction first;
    first.conditions.push_back({.key = store_key(), .revision = 0});
    first.changes.push_back(
        {.key = store_key(), .value = random_digits(around_.random) + random_digits(around_.random)});
    const auto written = co_await around_.engine.change(std::move(first));
    if (!written) co_return std::unexpected(written.error());
  }
}

async::Task<OrEngineError<>> Session::read() {
  auto known = co_await know_store();
  if (!known) co_return known;
  Reading reading(around_.loop);
  const Engine::Take take_nodes = [this](const std::vector<Entry>& entries) {
    for (const Entry& each : entries) {
      const auto node = node_of(each.key);
      if (node) acknowledgements_.member_says(*node, read_number(each.value).value_or(0));
    }
  };
  const auto revision = co_await around_.engine.read(reading.ranges[reading.next++], 0, take_nodes);
  if (!revision) co_return std::unexpected(revision.error());
  reading.at = *revision;
  {
    async::Tasks readers;
    for (std::size_t i = 0; i < kReaders; ++i) readers.start(read_values(reading));
    co_await reading.done.wait();
  }
  if (reading.error) co_return std::unexpected(*std::move(reading.error));
  acknowledgements_.passed(reading.at);
  member_.emplace(around_.times, reading.at);
  co_return OrEngineError<>();
}

async::Task<> Session::read_values(Reading& reading) {
  ++reading.readers;
  Replica replica(around_.table);
  const Engine::Take take = [this, &replica](const std::vector<Entry>& entries) {
    const std::int64_t now = around_.now();
    for (const Entry& each : entries) replica.read(each, now);
  };
  while (reading.next < reading.ranges.size() && !reading.error) {
    const auto read = co_await around_.engine.read(reading.ranges[reading.next++], reading.at, take);
    if (read || reading.error) continue;
    reading.error = read.error();
    reading.done.set();  // the others end with it
  }
  replica.read_all(around_.now());
  replica_.count(replica);
  if (--reading.readers == 0) reading.done.set();
}

// The watch, and another one where it is over or stuck.
async::Task<> Session::follow() {
  while (true) {
    watch_again_.reset();
    const auto watch = around_.engine.watch(watched_keys(), member_->seen());
    member_->watching(time());
    bool goes_on = true;
    while (goes_on) {
      auto batch = co_await async::until(watch_again_, watch->next());
      if (!batch) {
        trouble_ = "what was written has not come back: another watch";
        goes_on = false;
      } else if (!*batch) {
        trouble_ = batch->error().text;
        goes_on = false;
        if (is_final(batch->error().kind)) end(batch->error());
      } else {
        take(**batch);
      }
    }
    co_await async::sleep(around_.loop, kPause);
  }
}

void Session::take(const Batch& batch) {
  const std::int64_t now = around_.now();
  for (const Event& each : batch.events) {
    if (const auto node = node_of(each.entry.key)) {
      take_node(*node, each);
    } else if (is_value(each.entry.key)) {
      replica_.take(each, now);
      if (!each.removed) member_->value_came(each.entry.revision);
    }
  }
  member_->passed(batch.seen);
  acknowledgements_.passed(batch.seen);
  // What it is going to write there.
  if (member_->joined() && !lease_ended_) acknowledgements_.member_says(id_, batch.seen);
  check_room();
  changed_.set();
  moved_();
}

// What is not in the table would be asked for.
void Session::check_room() {
  if (replica_.without_room() == 0) return;
  EngineError full{EngineError::Kind::refused, "the table has no room for what the fleet has: raise its `capacity`"};
  end(std::move(full));
}

void Session::take_node(const std::string& id, const Event& event) {
  if (event.removed) {
    const bool was_member = acknowledgements_.member_left(id);
    if (id == id_) {
      lease_ended_ = true;
    } else if (was_member) {
      news_.push_back({id + " is gone"});
    }
    return;
  }
  const bool is_new = acknowledgements_.member_says(id, read_number(event.entry.value).value_or(0));
  if (is_new && id != id_) news_.push_back({id + " has come"});
  if (id == id_) {
    member_->own_came(event.entry.revision);
  } else if (joined()) {
    note_other(id);
  }
}

// One with the same name, that lives: a later process of this server, or another server.
void Session::note_other(const std::string& id) {
  const std::string& name = server_.name;
  const std::string_view rest = std::string_view(id).substr(std::min(name.size(), id.size()));
  if (!id.starts_with(name) || !rest.starts_with('.') || rest.size() != 1 + server_.process.size() + kDigits) return;
  if (rest.substr(1).starts_with(server_.process)) {
    has_successor_ = true;
  } else if (!std::exchange(has_namesake_, true)) {
    news_.push_back(
        {fmt::format("another server is called {}, too: {}; give each a 'server-id' of its own", name, id), true});
  }
}

// Under another ID; what was read, and what the watch has brought, is there.
void Session::begin_anew() {
  id_ = new_id(server_, around_.random);
  lease_ = 0;
  lease_ended_ = false;
  const Revision seen = member_->seen();
  member_.emplace(around_.times, seen);
  member_->watching(time());
  moved_();
}

async::Task<> Session::keep() {
  while (true) {
    auto done = co_await keep_once();
    if (done) continue;
    trouble_ = done.error().text;
    if (done.error().kind == EngineError::Kind::lease_ended) {
      begin_anew();
    } else if (is_final(done.error().kind)) {
      end(std::move(done).error());
      co_return;
    }
    co_await async::sleep(around_.loop, kPause);
  }
}

async::Task<OrEngineError<>> Session::keep_once() {
  if (lease_ended_) {
    co_return std::unexpected<EngineError>(std::in_place, EngineError::Kind::lease_ended, "the lease has ended");
  }
  if (lease_ == 0) co_return co_await become_member();
  const Time now = time();
  const Member::Next next = member_->next(now);
  if (next.step == Member::Step::write) co_return co_await write(now);
  if (next.step == Member::Step::renew) co_return co_await renew(now);
  if (next.step == Member::Step::watch_again) {
    watch_again_.set();
    member_->watching(now);
  } else {
    co_await async::wait_for(changed_, next.at - now);
    changed_.reset();
  }
  co_return OrEngineError<>();
}

async::Task<OrEngineError<>> Session::become_member() {
  const Time sent = time();
  const auto lease = co_await around_.engine.grant(around_.times.lease);
  if (!lease) co_return std::unexpected(lease.error());
  lease_ = *lease;
  member_->granted(sent);
  co_return OrEngineError<>();
}

async::Task<OrEngineError<>> Session::write(Time now) {
  member_->writing(now);
  Transaction transaction;
  transaction.conditions.push_back(in_this_store());
  transaction.changes.push_back({node_key(id_), std::to_string(member_->to_say()), lease_});
  const Revision seen = member_->seen();
  const auto revision = co_await around_.engine.change(std::move(transaction));
  if (!revision) co_return std::unexpected(revision.error());
  if (!*revision || **revision <= seen) {
    co_return std::unexpected<EngineError>(std::in_place, EngineError::Kind::forgotten,
                                           "etcd has other data than before: what it had is lost");
  }
  member_->wrote(**revision);
  moved_();
  co_return OrEngineError<>();
}

async::Task<OrEngineError<>> Session::renew(Time now) {
  auto renewed = co_await around_.engine.renew(lease_);
  if (!renewed) co_return renewed;
  if (lease_ended_) co_return renewed;
  member_->renewed(now);
  trouble_.clear();
  moved_();
  co_return renewed;
}

}  // namespace swage::fleet
