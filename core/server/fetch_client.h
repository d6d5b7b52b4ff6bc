// FetchClient: what a dns process does that its parked queries are answered: says on the lines to the processes that
// fetch what they want, hears what was fetched, and sees that their time passes. Lives on the loop of its process.
//
// All that is to be said in a turn of the loop goes in one packet, and only so many answers are made in a turn: who is
// answered from memory waits for few of them.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "core/async/loop.h"
#include "core/server/fetch_line.h"
#include "core/server/park.h"

namespace swage::server {

class FetchClient {
 public:
  // `catch_up`: takes what the supervisor has sent. Called before something counts as fetched, so that memory which
  // was provided before something was fetched is there.
  FetchClient(async::Loop& loop, Responder& responder, Fetches fetches, metrics::Registry& metrics,
              std::function<void()> catch_up);

  // Another line takes the place of the one there was to that process: what is wanted of it is said again.
  void connect(Fetch::By by, Descriptor line);
  // No other lines will come. Where there is none, nothing is waited for.
  void drain();
  // Answers all that waits, without what it waits for.
  void give_up();

 private:
  struct Line {
    FetchLine socket;
    std::optional<async::Poll> poll;
    FetchPacket packet;  // what it had no room for
  };

  [[nodiscard]] Line& line(Fetch::By by) { return lines_[static_cast<std::size_t>(by)]; }
  void wake();
  void turn();
  void receive(Fetch::By by);
  // False where the line is not what it should be.
  [[nodiscard]] bool take(Fetch::By by, Bytes packet);
  void disconnect(Fetch::By by);
  void run_given_up();
  // False where a line has no room.
  [[nodiscard]] bool say();
  [[nodiscard]] bool say(Fetch::By by);

  async::Loop& loop_;
  const FetchMetrics metrics_;
  std::function<void()> catch_up_;
  async::Timer timer_;
  bool woken_ = false;  // the timer passes at once
  bool draining_ = false;
  Park park_;
  std::array<Line, kFetchBy.size()> lines_;  // by Fetch::By
  std::vector<std::uint8_t> in_ = std::vector<std::uint8_t>(FetchPacket::kMaxSize);
};

}  // namespace swage::server
