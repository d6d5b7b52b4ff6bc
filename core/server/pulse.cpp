#include "core/server/pulse.h"

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <string>

namespace swage::server {
namespace {

// Lock-free atomics are address-free: they work between processes (C++ [atomics.lockfree]).
using Beats = std::atomic<std::uint64_t>;
static_assert(Beats::is_always_lock_free && sizeof(Beats) == sizeof(std::uint64_t));

}  // namespace

Result<Pulse> Pulse::create(const std::string& name) {
  TRY(shm::Segment page, shm::Segment::create(name, static_cast<std::size_t>(sysconf(_SC_PAGESIZE))));
  TRY(page.fix_size());
  return Pulse(std::move(page));
}

Result<Pulse> Pulse::open(Descriptor memory) {
  TRY(shm::Segment page, shm::Segment::attach(memory.release(), shm::Segment::Access::write));
  if (page.bytes().size() < sizeof(Beats)) return fail("there is no room for a pulse");
  page.close_descriptor();
  return Pulse(std::move(page));
}

Result<Descriptor> Pulse::share() const {
  Descriptor borrowed(page_.fd());
  Result<Descriptor> copy = borrowed.duplicate();
  static_cast<void>(borrowed.release());
  return copy;
}

void Pulse::beat() {
  if (!page_.exists()) return;
  reinterpret_cast<Beats*>(page_.writable_bytes().data())->fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t Pulse::beats() const {
  if (!page_.exists()) return 0;
  return reinterpret_cast<const Beats*>(page_.bytes().data())->load(std::memory_order_relaxed);
}

std::uint64_t cpu_ticks_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  // The second field, in parentheses, may hold anything.
  if (!std::getline(file, text) || text.rfind(')') == std::string::npos) return 0;
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string word;
  for (int field = 3; field < 14; ++field) fields >> word;
  std::uint64_t user = 0, system = 0;
  fields >> user >> system;
  return user + system;
}

}  // namespace swage::server
