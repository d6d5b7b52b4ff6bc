#include "core/server/pulse.h"

#include <unistd.h>

#include <atomic>
#include <ctime>
#include <string>

namespace swage::server {
namespace {

// Lock-free atomics are address-free: they work between processes (C++ [atomics.lockfree]).
using Beats = std::atomic<std::uint64_t>;
static_assert(Beats::is_always_lock_free && sizeof(Beats) == sizeof(std::uint64_t));

constexpr std::size_t kRest = 64;  // where it begins: a line of the cache for the beats

}  // namespace

Result<Pulse> Pulse::create(const std::string& name) {
  TRY(shm::Segment page, shm::Segment::create_fixed(name, static_cast<std::size_t>(sysconf(_SC_PAGESIZE))));
  return Pulse(std::move(page));
}

Result<Pulse> Pulse::open(Descriptor memory) {
  TRY(shm::Segment page, shm::Segment::attach(std::move(memory)));
  if (page.bytes().size() < kRest) return fail("there is no room for a pulse");
  page.close_descriptor();
  return Pulse(std::move(page));
}

void Pulse::beat() {
  if (!page_.exists()) return;
  reinterpret_cast<Beats*>(page_.writable_bytes().data())->fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t Pulse::beats() const {
  if (!page_.exists()) return 0;
  return reinterpret_cast<const Beats*>(page_.bytes().data())->load(std::memory_order_relaxed);
}

MutableBytes Pulse::rest() { return page_.exists() ? page_.writable_bytes().subspan(kRest) : MutableBytes(); }
Bytes Pulse::rest() const { return page_.exists() ? page_.bytes().subspan(kRest) : Bytes(); }

// Not out of /proc, where a process that cannot be traced may be hidden (hidepid).
std::chrono::nanoseconds cpu_time_of(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace swage::server
