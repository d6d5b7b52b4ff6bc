// One question to a nameserver over UDP, from a socket of its own: its port is the kernel's random choice, and only
// what comes from the address that was asked is seen. In the process that fetches.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/descriptor.h"
#include "core/net.h"
#include "core/upstream/question.h"

namespace swage::upstream {

struct Reply {
  Verdict verdict = Verdict::foreign;  // foreign: so much of it that somebody may be guessing
  std::vector<std::uint8_t> message{};
};

// A UDP socket that hears `to` alone. `from`: our address; none: as the system finds.
[[nodiscard]] Result<Descriptor> connected_udp(const Endpoint& to, const std::optional<IpAddress>& from);

// The first datagram that is not foreign. An Error where none comes within `time`, or nobody listens there. `asked`
// must outlive the task. `from` as above.
[[nodiscard]] async::Task<Result<Reply>> ask_udp(async::Loop& loop, Endpoint to, std::optional<IpAddress> from,
                                                 const Asked& asked, std::chrono::milliseconds time);

}  // namespace swage::upstream
