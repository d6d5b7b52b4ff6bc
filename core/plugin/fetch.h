// Fetch: answers that are not in memory yet. serve() never waits: it says that the answer comes later, a Service
// fetches it to where serve() looks (a shm::Shared, say), and the server runs the whole chain again. Part of the
// contract (core/plugin/plugin.h).
//
//     Fetch& fetch = controller.fetch("hello example.org.");                     // setup(), in every process
//
//     if (const auto found = table_.find(key)) return answer(…);                 // serve(), in a dns process
//     return fetch_.later(response, key);
//
//     fetch_.on_wanted([&](const std::string& key) { loop.spawn(get(key)); });   // run(), in the process that fetches
//     … fetch_.settled(key);                                                     // it is where serve() looks
//
// Meanwhile the query is parked (core/server/park.h): nothing else waits for it. However many queries, of however many
// dns processes, want the same key, it is wanted once. A query may want one key after the other, 16 in all. Where
// nothing comes in time, fetching fails or too many queries wait, the chain runs once more, and later() is an Error
// there: SERVFAIL with an Extended DNS Error (RFC 8914), unless a plugin has something better to say.
//
// Since chains run again, serve() must say the same again, but for what was fetched; Observers see the query once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/metrics/handles.h"
#include "core/plugin/chain.h"

namespace swage {

class Fetch {
 public:
  static constexpr std::size_t kMaxKey = 320;         // bytes: a name, and what else tells questions apart
  static constexpr std::size_t kMaxMessage = 65'000;  // bytes of a request that a Relay hands over
  static constexpr std::chrono::milliseconds kUsualTime{2000}, kMaxTime{10'000};
  static constexpr std::size_t kUsualMost = 4096;  // keys that are fetched at a time

  Fetch(std::string name, std::uint16_t number) : name_(std::move(name)), number_(number) {}
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint16_t number() const { return number_; }  // in its configuration, from 1

  // Which process fetches: that of the Services, or that of the Fetchers (core/plugin/fetcher.h).
  enum class By : std::uint8_t { service, fetch };
  [[nodiscard]] By by() const { return by_; }
  void set_by(By by) { by_ = by; }  // for core/server alone

  // For how long a query waits, in all, from when it was first to wait; kMaxTime at most. In setup().
  void wait_at_most(std::chrono::milliseconds time) { time_ = std::min(time, kMaxTime); }
  [[nodiscard]] std::chrono::milliseconds time() const { return time_; }

  // How many keys are fetched at a time. Others wait until it is the turn of their clients' network: no network keeps
  // others waiting (docs/decisions/fetched-answers.md). In setup(), or before on_wanted().
  void fetch_at_most(std::size_t keys) { most_ = std::max<std::size_t>(keys, 1); }
  [[nodiscard]] std::size_t most() const { return most_; }

  // In serve(): what is under `key`, 1 to kMaxKey bytes, has to be fetched first. To be returned as it is. An Error
  // where the query cannot wait, with its Extended DNS Error in `response`.
  [[nodiscard]] Result<Outcome> later(Response& response, Bytes key) const { return later(response, key, time_); }
  // The same for one that waits no longer than `patience`, from when it came: there is something else to say.
  [[nodiscard]] Result<Outcome> later(Response& response, Bytes key, std::chrono::milliseconds patience) const;

  // In serve(): has what is under `key` fetched, and does not wait for it: for an answer that is soon too old. The
  // query is answered now. Where there is no room, nothing happens. Once a query.
  void ahead(Response& response, Bytes key) const;

  // In the process that fetches: `take` is called for each key that is wanted, on the loop, from now on; at once for
  // those that are wanted already. It must not block; it may call settled() itself. It is not called for that key again
  // before it was settled, or nobody has waited for it for a while. Keys are wanted until the process ends, also after
  // Host::stopping(). What `take` needs must outlive the loop, or the next on_wanted().
  void on_wanted(std::function<void(const std::string& key)> take);
  // Where `keys` of them are fetched or wait already, a key that cannot be fetched at once is handed to `refuse`, which
  // settles it.
  void refuse_beyond(std::size_t keys, std::function<void(const std::string& key)> refuse) {
    most_wanted_ = keys;
    refuse_ = std::move(refuse);
  }
  // What is under `key`, or that there is nothing, is where serve() looks: those who wait for it are asked again.
  void settled(std::string_view key) { settle(key, true); }
  // It cannot be fetched now: those who wait for it are told.
  void failed(std::string_view key) { settle(key, false); }

  // For core/plugin/relay.h: keys are whole requests, and what settles them is a whole response. In setup().
  void carry_messages() { most_key_ = kMaxMessage + kBesideMessage; }
  void answered(std::string_view key, Bytes response) const;

  // For core/server alone. `wanted`: on_wanted() was called; hand over all keys that are not settled.
  struct Hooks {
    std::function<void()> wanted;
    std::function<void(std::string_view key, bool fetched)> settled;
    std::function<void(std::string_view key, Bytes response)> answered;
  };
  [[nodiscard]] std::size_t most_key() const { return most_key_; }  // bytes
  void connect(Hooks hooks) { hooks_ = std::move(hooks); }
  // False where nobody takes it yet.
  bool want(const std::string& key) const;
  // False where a key more may wait, when there are so many; else it was refused.
  bool refuse(const std::string& key, std::size_t keys) const;
  // Counters by number() - 1 and Refusal, for what later() cannot say.
  void count_refusals(metrics::Counters refused) { refused_ = refused; }

 private:
  static constexpr std::size_t kBesideMessage = 17;  // bytes: the client's address and its size

  void settle(std::string_view key, bool fetched) const;

  std::string name_;
  std::uint16_t number_;
  By by_ = By::service;
  std::size_t most_key_ = kMaxKey;
  std::chrono::milliseconds time_ = kUsualTime;
  std::size_t most_ = kUsualMost, most_wanted_ = 0;
  std::function<void(const std::string& key)> take_, refuse_;
  Hooks hooks_;
  metrics::Counters refused_;
};

}  // namespace swage
