// Plays a process that was taken over and has shared memory that it may only read: tries to change the memory in every
// way that the kernel knows.
#pragma once

#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/shm/segment.h"

namespace swage::tests {

// What the attacker has: a descriptor, a mapping of it, or both. None of them is closed or unmapped.
struct Foothold {
  int fd = -1;
  Bytes mapping{};
};

struct Attack {
  std::vector<std::string> worked;  // the ways after which the owner's memory had other bytes or another size
  std::size_t tried = 0;            // how many ways there were
};
// What was changed is put right again, where the owner can do that. REQUIRES: nobody else changes the memory meanwhile.
[[nodiscard]] Attack attack_memory(const Foothold& foothold, const shm::Mapping& owner);

}  // namespace swage::tests
