#include "plugins/tls/ticket_keys.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "core/async/tls.h"
#include "core/plugin/tls_memory.h"

namespace swage::plugins::tls {
namespace {

using namespace std::chrono_literals;
using tls_memory::kMadeAt;

std::uint64_t seconds_now() { return static_cast<std::uint64_t>(std::time(nullptr)); }

bool is_due(Bytes memory, std::uint64_t now) {
  if (tls_memory::ticket_keys(memory).size() < async::kTicketKey) return true;
  std::uint64_t made;
  std::memcpy(&made, memory.data(), sizeof made);
  return now < made || now - made >= TicketKeys::kRoll;
}

}  // namespace

Result<> TicketKeys::prepare() {
  const std::uint64_t now = seconds_now();
  return is_due(snapshot_.bytes(), now) ? roll(now) : snapshot_.keep();
}

async::Task<Result<>> TicketKeys::run(Host& host) {
  while (true) {
    const bool stopped = co_await host.stopping(1min);
    if (stopped) co_return Result<>();
    const std::uint64_t now = seconds_now();
    CO_TRY(roll(now));
  }
}

Result<> TicketKeys::roll(std::uint64_t now) {
  if (!is_due(snapshot_.bytes(), now)) return {};
  const Bytes old = tls_memory::ticket_keys(snapshot_.bytes());
  const std::size_t kept = std::min(old.size() / async::kTicketKey, kKeys - 1) * async::kTicketKey;
  TRY(shm::Segment memory, shm::Segment::create("swage tls tickets", kMadeAt + async::kTicketKey + kept));
  std::uint8_t* const at = memory.writable_bytes().data();
  std::memcpy(at, &now, sizeof now);
  if (getentropy(at + kMadeAt, async::kTicketKey) != 0) return fail("no random bytes");
  std::copy_n(old.begin(), kept, at + kMadeAt + async::kTicketKey);
  return snapshot_.publish(std::move(memory));
}

}  // namespace swage::plugins::tls
