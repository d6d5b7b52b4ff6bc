// What a registration costs a broker that does nothing but what it must: as many connections, messages and bytes as a
// real one's, the cryptography between them, and the fewest system calls. It parses, checks and stores nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "core/descriptor.h"
#include "tests/bench/registrations/cryptography.h"

namespace swage::bench {

class Bare {
 public:
  // The broker is a child process, on CPU `cpu`; the caller plays `clients`, each with a connection of its own, and the
  // nodes that are dialled.
  Bare(int cpu, std::size_t clients);
  ~Bare();
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // `count` registrations, each client one at a time.
  void run(std::uint32_t count);

 private:
  void serve(int connection);

  pid_t pid_ = -1;
  Descriptor poll_, nodes_;
  std::vector<Descriptor> clients_;
  Cryptography cryptography_;
  std::uint32_t to_begin_ = 0, to_end_ = 0;
};

}  // namespace swage::bench
