// What is said on streams that are open: identify and ping, asked and answered. For both sides of a Connection.
#pragma once

#include <optional>
#include <string>

#include "core/async/event.h"
#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/dial/connection.h"
#include "core/libp2p/identify.h"
#include "core/result.h"

namespace swage::dial {

inline constexpr std::string_view kPing = "/ipfs/ping/1.0.0";

// What the other side is told when it asks.
struct Services {
  std::optional<libp2p::identify::Message> identify{};  // none: the protocol is not available
  async::Event* identified = nullptr;  // if any: set when the other side has our identity; outlives the task
  bool ping = false;
  std::size_t streams = 16;                    // at a time; more are reset
  std::chrono::milliseconds patience{60'000};  // for the protocol, for an answer to be taken, for the next ping
};

// Answers until the connection is over; what it does not know is "not available". REQUIRES: the connection outlives the
// task.
[[nodiscard]] async::Task<> serve(async::Loop& loop, Connection& connection, Services services);

// Asks the other side for its identity. Has no timeout. REQUIRES: the connection outlives the task.
[[nodiscard]] async::Task<Result<libp2p::identify::Message>> ask_identity(Connection& connection);

}  // namespace swage::dial
