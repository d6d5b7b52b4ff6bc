// A secondary's side of zone transfers: what asks a primary. In the service process.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/crypto/random.h"
#include "core/net.h"
#include "core/result.h"
#include "core/transfer/receiver.h"
#include "core/tsig/key.h"

namespace swage::transfer {

struct Primary {
  Endpoint at;
  std::optional<IpAddress> from{};  // our address; none: as the system finds
  // Questions are signed with it, and answers must be (RFC 8945); nullptr: neither.
  std::shared_ptr<const tsig::OwnKey> key{};
};

struct Times {
  std::chrono::milliseconds connect{5'000};
  std::chrono::milliseconds message{30'000};   // for each
  std::chrono::milliseconds whole{3'600'000};  // for all of them
  // In each of these messages of so many bytes come, or it is too slow: it takes a place that others wait for.
  std::chrono::milliseconds pace{60'000};
  std::uint64_t least = 4096;
};

// The zone's serial number at the primary, asked over UDP, and TCP where that does not do, or where there is a key. An
// Error has the primary's address; it comes after 4 seconds at most.
[[nodiscard]] async::Task<Result<std::uint32_t>> ask_serial(async::Loop& loop, Primary primary, dns::Name zone,
                                                            crypto::Random& random);

// Transfers the zone over TCP: what Receiver says is complete. Without `serial` AXFR, else IXFR. An Error has the
// primary's address.
[[nodiscard]] async::Task<Result<std::unique_ptr<Receiver>>> receive(async::Loop& loop, Primary primary, dns::Name zone,
                                                                     std::optional<std::uint32_t> serial, Limits limits,
                                                                     crypto::Random& random, Times times = {});

}  // namespace swage::transfer
