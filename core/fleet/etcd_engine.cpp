#include "core/fleet/etcd_engine.h"

#include <utility>

namespace swage::fleet {
namespace {

constexpr std::int64_t kPage = 20'000;  // keys that are read at a time: 5 MB of JSON
constexpr std::chrono::seconds kReadEach{20}, kReadPatience{60};

EngineError engine_error(etcd::Failure failure) {
  using From = etcd::Failure::Kind;
  EngineError error{EngineError::Kind::refused, std::move(failure.text)};
  switch (failure.kind) {
    case From::unreachable:
    case From::unavailable:
    case From::ended:
      error.kind = EngineError::Kind::unreachable;
      break;
    case From::not_found:
      error.kind = EngineError::Kind::lease_ended;
      break;
    case From::compacted:
      error.kind = EngineError::Kind::forgotten;
      break;
    case From::denied:
    case From::refused:
      break;
  }
  return error;
}

template <typename T>
std::unexpected<EngineError> failed(etcd::Expected<T> result) {
  return std::unexpected(engine_error(std::move(result).error()));
}

// What was not asked for is left out. `root` is what keys begin with.
bool is_below(const etcd::KeyValue& entry, const std::string& root) { return entry.key.starts_with(root); }

// REQUIRES: is_below().
Entry entry_of(etcd::KeyValue from, const std::string& root) {
  return {from.key.substr(root.size()), std::move(from.value), from.modified};
}

}  // namespace

class EtcdEngine::Stream : public Watch {
 public:
  Stream(etcd::Client& client, etcd::Range range, Revision from, const std::string& root)
      : watch_(client, std::move(range), from), root_(root) {}

  async::Task<OrEngineError<Batch>> next() override {
    auto came = co_await watch_.next();
    if (!came) co_return failed(std::move(came));
    Batch batch;
    batch.seen = came->seen;
    for (etcd::Event& each : came->events) {
      if (!is_below(each.now, root_)) continue;
      batch.events.push_back({each.removed, entry_of(std::move(each.now), root_)});
    }
    co_return batch;
  }

 private:
  etcd::Watch watch_;
  const std::string& root_;
};

etcd::Settings EtcdEngine::for_reading(etcd::Settings settings) {
  settings.each = kReadEach;
  settings.patience = kReadPatience;
  return settings;
}

etcd::Range EtcdEngine::in_etcd(const KeyRange& range) const {
  return {.key = root_ + range.first, .end = root_ + range.end};
}

async::Task<OrEngineError<Revision>> EtcdEngine::read(KeyRange range, Revision at, Take take) {
  etcd::Range all = in_etcd(range);
  all.revision = at;
  all.limit = kPage;
  std::function<void(std::vector<etcd::KeyValue>)> take_page = [this, &take](std::vector<etcd::KeyValue> page) {
    std::vector<Entry> entries;
    entries.reserve(page.size());
    for (etcd::KeyValue& each : page) {
      if (is_below(each, root_)) entries.push_back(entry_of(std::move(each), root_));
    }
    take(std::move(entries));
  };
  auto revision = co_await reader_.read(std::move(all), std::move(take_page));
  if (!revision) co_return failed(std::move(revision));
  co_return *revision;
}

async::Task<OrEngineError<std::vector<Entry>>> EtcdEngine::find(std::vector<std::string> keys) {
  etcd::Transaction transaction;
  for (const std::string& key : keys) transaction.then.push_back(etcd::Range{.key = root_ + key});
  auto done = co_await client_.transact(std::move(transaction));
  if (!done) co_return failed(std::move(done));
  std::vector<Entry> entries;
  for (etcd::Page& page : done->found) {
    for (etcd::KeyValue& each : page.found) {
      if (is_below(each, root_)) entries.push_back(entry_of(std::move(each), root_));
    }
  }
  co_return entries;
}

std::unique_ptr<Watch> EtcdEngine::watch(KeyRange range, Revision seen) {
  return std::make_unique<Stream>(client_, in_etcd(range), seen + 1, root_);
}

async::Task<OrEngineError<std::optional<Revision>>> EtcdEngine::change(Transaction transaction) {
  etcd::Transaction to;
  for (auto& each : transaction.conditions) {
    etcd::Compare& condition = to.conditions.emplace_back();
    condition.key = root_ + each.key;
    condition.what = each.value ? etcd::Compare::What::value : etcd::Compare::What::modified;
    condition.number = each.revision;
    condition.value = std::move(each.value).value_or("");
  }
  for (auto& each : transaction.changes) {
    if (each.value) {
      to.then.push_back(etcd::Put{.key = root_ + each.key, .value = *std::move(each.value), .lease = each.lease});
    } else {
      to.then.push_back(etcd::Remove{.key = root_ + each.key});
    }
  }
  auto done = co_await client_.transact(std::move(to));
  if (!done) co_return failed(std::move(done));
  std::optional<Revision> revision;
  if (done->held) revision = done->revision;
  co_return revision;
}

async::Task<OrEngineError<Lease>> EtcdEngine::grant(std::chrono::seconds time) {
  auto granted = co_await client_.grant(time);
  if (!granted) co_return failed(std::move(granted));
  co_return granted->id;
}

async::Task<OrEngineError<>> EtcdEngine::renew(Lease lease) {
  auto renewed = co_await client_.keep_alive(lease);
  if (!renewed) co_return failed(std::move(renewed));
  co_return OrEngineError<>();
}

async::Task<OrEngineError<>> EtcdEngine::revoke(Lease lease) {
  auto revoked = co_await client_.revoke(lease);
  if (!revoked) co_return failed(std::move(revoked));
  co_return OrEngineError<>();
}

Engine::Counts EtcdEngine::counts() const {
  const etcd::Client::Counts usual = client_.counts(), reading = reader_.counts();
  return {usual.requests + reading.requests, usual.failures + reading.failures};
}

}  // namespace swage::fleet
