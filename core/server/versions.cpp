#include "core/server/versions.h"

#include <algorithm>
#include <memory>

#include "core/shm/worker_memory.h"

namespace swage::server::versions {
namespace {

// A word for each snapshot, in the order of their names, which is the same in all processes of a configuration.
constexpr std::size_t kWord = sizeof(std::uint64_t);

std::uint64_t* word(MutableBytes piece, std::size_t index) {
  return reinterpret_cast<std::uint64_t*>(piece.data()) + index;
}

std::uint64_t read(Bytes piece, std::size_t index) {
  return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(piece.data()) + index, __ATOMIC_ACQUIRE);
}

}  // namespace

void declare(Configuration& configuration) {
  auto& memory = configuration.worker_memories[kName];
  memory = std::make_unique<shm::WorkerMemory>(kName);
  memory->ask_for(std::max<std::size_t>(configuration.snapshots.size(), 1) * kWord);
}

void note(Configuration& configuration) {
  const MutableBytes own = configuration.worker_memories.at(kName)->own();
  if (own.size() < configuration.snapshots.size() * kWord) return;
  std::size_t index = 0;
  for (const auto& [name, snapshot] : configuration.snapshots) {
    __atomic_store_n(word(own, index++), snapshot->version(), __ATOMIC_RELEASE);
  }
}

void watch(Configuration& configuration) {
  const shm::WorkerMemory& memory = *configuration.worker_memories.at(kName);
  std::size_t index = 0;
  for (const auto& [name, snapshot] : configuration.snapshots) {
    snapshot->on_asked_whether_in_force([&memory, index](std::uint64_t version) {
      return std::ranges::all_of(memory.all(), [&](Bytes piece) {
        return piece.size() < (index + 1) * kWord || read(piece, index) == version;
      });
    });
    ++index;
  }
}

}  // namespace swage::server::versions
