// FetchServer: what a process that fetches does with what dns processes want (core/plugin/fetch.h): each key that any
// of them wants is handed to its Fetch once, when it is its turn (fetch_places.h), and when that is settled all of them
// hear of it. Lives on the loop of its process.
//
// A dns process may have been taken over, so it is believed that it wants something, and for whom, and no more: so many
// tickets are a process's, and so many keys are fetched at a time; one that has more tickets, or says what cannot be
// read, loses its line. (What it wants is no secret, and what is fetched goes to where all of them read.)
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/async/loop.h"
#include "core/server/fetch_line.h"
#include "core/server/fetch_metrics.h"
#include "core/server/fetch_places.h"
#include "core/server/fetch_wire.h"
#include "core/server/messages.h"

namespace swage::server {

class FetchServer {
 public:
  static constexpr std::size_t kMaxTickets = 5120;   // of a dns process: what Park::Limits let it want at a time
  static constexpr std::size_t kMaxUnsent = 16'384;  // answers that a dns process has not taken
  // Bytes of whole requests that are with a Relay's Service; of those that a dns process waits for, twice what its Park
  // has; and of responses that it has not taken.
  static constexpr std::size_t kMaxMessages = 8 << 20;

  // `by`: which process this is; of the fetches, which outlive the server, those are served that it fetches.
  FetchServer(async::Loop& loop, Fetch::By by, Fetches fetches, metrics::Registry& metrics);
  ~FetchServer();
  FetchServer(const FetchServer&) = delete;
  FetchServer& operator=(const FetchServer&) = delete;

  void add(message::FetchLine line);
  // Somebody may want something, or waits for it.
  [[nodiscard]] bool has_lines() const { return !fetches_.empty() && !lines_.empty(); }

 private:
  struct Line;
  struct Waiter;
  // Something that is wanted, or is being fetched.
  struct Key {
    std::list<Waiter> waiters{};
    bool fetching = false;    // it was handed to its Fetch
    std::uint32_t share = 0;  // that it takes a place of
    std::int64_t since = 0;   // nanoseconds, steady clock: when it was
  };
  using Keys = std::map<std::string, Key, std::less<>>;
  struct Waiter : FetchPlaces::Candidate {
    Line* line = nullptr;
    std::uint32_t ticket = 0;
    Keys::iterator key{};
  };
  struct Place {
    std::uint16_t fetch;  // index
    std::list<Waiter>::iterator waiter;
  };
  // What is wanted of one fetch.
  struct Wanted {
    explicit Wanted(const NetworkShares::Key& key) : places(key, kMaxMessages) {}
    Keys keys{};
    FetchPlaces places;
    bool advancing = false;
    std::int64_t swept = 0;
  };

  void receive(Line& line);
  [[nodiscard]] bool take(Line& line, const FetchMessage& message);
  [[nodiscard]] bool want(Line& line, const FetchMessage& message);
  void forget(Line& line, std::uint32_t ticket);
  void begin(std::uint16_t fetch, Keys::iterator key, std::uint32_t share);
  void wait(std::uint16_t fetch, Waiter& waiter);
  void advance(std::uint16_t fetch);
  void hand_over(std::uint16_t fetch, Keys::iterator key);
  void hand_over_all(std::uint16_t fetch);
  void settle(std::uint16_t fetch, std::string_view key, FetchMessage::Kind kind, Bytes response);
  void erase(std::uint16_t fetch, Keys::iterator key);
  void drop_ticket(Line& line, std::uint32_t ticket);
  [[nodiscard]] bool is_late(std::uint16_t fetch, const Key& key) const;
  void sweep(std::uint16_t fetch);
  void show();
  void close(Line& line);
  void send();
  // False where the line has no room.
  [[nodiscard]] static bool send(Line& line);

  async::Loop& loop_;
  Fetch::By by_;
  Fetches fetches_;
  const FetchMetrics metrics_;
  std::vector<Wanted> wanted_;  // by the fetch's index
  std::list<Line> lines_;
  async::Timer send_;
  bool sends_ = false;  // the timer will pass
  std::vector<std::uint8_t> in_ = std::vector<std::uint8_t>(FetchPacket::kMaxSize);
};

}  // namespace swage::server
