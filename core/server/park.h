// Park: queries that wait until something was fetched for them (core/plugin/fetch.h). In each dns process. No I/O, no
// clock: fetch_client.h says what is wanted to the process that fetches it, and when time has passed.
//
//     Responder: Outcome::later ─▶ take() ─▶ Want: a network's queries for one key ─▶ write(): on the line, once
//                                              │ settle(), let_pass()
//                                              ▼
//     Origin::answer_later() ◀── run(): the whole chain again ── or it wants something else: a Want again
//
// What it keeps is the request as it came and how it came in; the second run parses anew. Bounded in queries, bytes,
// runs of a query and time; and networks of clients share it out among themselves (network_shares.h). What it has no
// room for is not asked: where it is full, the chain is told before it runs, so a full park costs nothing.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/server/fetch_metrics.h"
#include "core/server/fetch_wire.h"
#include "core/server/network_shares.h"
#include "core/server/responder.h"

namespace swage::server {

struct Parked;
struct Want;

// Where queries come from, and answers go that come later: a UDP socket, a TCP connection.
class Origin {
 public:
  // `most`: of its queries that may wait at a time.
  explicit Origin(std::size_t most) : most_(most) {}
  virtual ~Origin() = default;
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  // The answer to a query of its own that waited; empty: it gets none. Closes nothing: flush_later() follows.
  virtual void answer_later(const Arrival& arrival, Bytes response) = 0;
  // Sends what is not sent yet. The origin may be gone afterwards.
  virtual void flush_later() = 0;

  // Of its queries that wait.
  [[nodiscard]] std::size_t parked() const { return parked_.size(); }
  // Whatever of it waits is forgotten. To be called before it ends.
  void forget_parked();

 private:
  friend Park;
  std::size_t most_;
  Park* park_ = nullptr;  // that has something of it
  std::list<Parked*> parked_;
};

// A query that waits.
struct Parked {
  const Router* router;
  std::vector<std::uint8_t> request;
  Arrival arrival;
  std::uint32_t share = 0;  // of its client's network: NetworkShares::share_of()
  std::size_t cost = 0;     // bytes
  unsigned runs = 1;        // of the chain
  std::int64_t deadline = 0;
  dns::Later::Refusal refusal = dns::Later::Refusal::none;  // of the next run
  Want* want = nullptr;                                     // nullptr: it is to run
  std::vector<std::uint8_t> answer{};                       // what another process says to it: Later::answer
  std::list<Parked*>::iterator of_origin{};
  std::list<Parked>::iterator self{};
};

class Park {
 public:
  using Refusal = dns::Later::Refusal;
  struct Limits {
    std::size_t queries = 4096;
    std::size_t ahead = 1024;     // keys that nobody waits for
    std::size_t bytes = 4 << 20;  // of requests and what is kept beside each
    unsigned runs = 16;           // of the chain, for a query
  };

  // `wake`: called when there is something to write() or to run(), or another next_deadline(). The others must outlive
  // the park, which is the responder's from now on and must outlive all Origins. `key`: unpredictable.
  Park(Responder& responder, Fetches fetches, const FetchMetrics& metrics, std::function<void()> wake, Limits limits,
       const NetworkShares::Key& key);
  ~Park();
  Park(const Park&) = delete;
  Park& operator=(const Park&) = delete;

  // For Responder: keeps the query until it can be asked again. Not none: it cannot wait.
  [[nodiscard]] Refusal take(const Router& router, const Arrival& arrival, const Query& query, dns::Later& later);

  // For Responder: has it fetched, because of `query`, and nothing waits for it. Nothing happens where there is no
  // room.
  void ahead(const Query& query, const dns::Later& later);

  // Adds what is to be said to the process that fetches. Says each once.
  void write(Fetch::By by, FetchPacket& packet);
  // Another such process: it has heard nothing yet.
  void say_again(Fetch::By by);
  // What was wanted of it with that ticket was fetched, or cannot be; those who wait for it are to run. A ticket that
  // is not known, or another process's, is ignored.
  void settle(Fetch::By by, std::uint32_t ticket, bool fetched);
  // The same where it was a request that is answered with a whole message.
  void answer(Fetch::By by, std::uint32_t ticket, Bytes response);
  // Those whose time is over by `now` are to run, and cannot wait again. Nanoseconds, as Arrival::received.
  void let_pass(std::int64_t now);
  // All are that wait for something of that process.
  void give_up(Fetch::By by);
  [[nodiscard]] std::optional<std::int64_t> next_deadline() const;

  // Runs the chain again for at most `most` of those that are to run, and sends the answers. True where there are more.
  bool run(std::size_t most, std::int64_t now);

  void forget(Origin& origin);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  using Wants = std::map<std::string, Want>;  // by number of the fetch, network and key
  struct ToSay {
    std::vector<std::uint32_t> unsaid, forgotten;  // tickets: to be wanted, and no longer wanted
  };

  [[nodiscard]] Fetch::By by(const Want& want) const;
  [[nodiscard]] ToSay& to_say(Fetch::By by) { return to_say_[static_cast<std::size_t>(by)]; }
  [[nodiscard]] Want& want(const dns::Later& later, const IpAddress& client);
  void wait_for(Parked& parked, std::list<Parked>& from, const dns::Later& later);
  [[nodiscard]] bool has_room(const Origin& origin, std::size_t bytes, std::uint32_t share) const;
  [[nodiscard]] Refusal take_again(const dns::Later& later);
  void let_run(Parked& parked, Refusal refusal);
  void leave_want(Want& want);
  void leave_ahead(Want& want);
  void remove(Parked& parked, std::list<Parked>& from);
  void run_first(std::int64_t now);
  void show_room();
  // Of a request, and of what it waits for where that is a whole message.
  [[nodiscard]] static std::size_t cost(Bytes request, Bytes key);

  Responder& responder_;
  Fetches fetches_;
  const FetchMetrics& metrics_;
  std::function<void()> wake_;
  Limits limits_;

  Wants wants_;
  std::unordered_map<std::uint32_t, Wants::iterator> tickets_;
  std::uint32_t last_ticket_ = 0;
  std::array<ToSay, kFetchBy.size()> to_say_;  // by Fetch::By
  std::set<std::pair<std::int64_t, Parked*>> deadlines_;
  std::set<std::pair<std::int64_t, std::uint32_t>> ahead_;  // until when, and tickets
  std::list<Parked> ready_;                                 // to run
  std::list<Parked>* running_ = nullptr;                    // with the one that runs now, until it waits again
  std::set<Origin*> answered_;                              // and not flushed
  std::size_t size_ = 0, bytes_ = 0;
  NetworkShares shares_;
  std::vector<std::uint8_t> out_ = std::vector<std::uint8_t>(0xFFFF);
};

// What queries wait for.
struct Want {
  std::uint32_t ticket = 0;
  bool said = false;
  std::int64_t ahead_until = 0;  // 0: nobody wants it but those who wait
  std::list<Parked> waiting{};
  std::map<std::string, Want>::iterator self{};
};

}  // namespace swage::server
