// Versions: from which version of each snapshot every dns process answers. Each writes that into memory that it alone
// writes (core/shm/worker_memory.h), and the service process reads it: so what is acknowledged is in force.
#pragma once

#include <cstdint>

#include "core/server/configuration.h"

namespace swage::server::versions {

inline constexpr const char* kName = "versions";

// Asks for the memory, once all snapshots are known.
void declare(Configuration& configuration);
// In a dns process: it answers from what it has now.
void note(Configuration& configuration);
// In the service process: has the snapshots say whether they are in force.
void watch(Configuration& configuration);

}  // namespace swage::server::versions
