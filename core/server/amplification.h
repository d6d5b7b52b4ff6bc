// AmplificationLimit: nobody can use the server to send others more than he has. What is larger than three times its
// question goes, over UDP, to clients that have proven their address (a cookie, RFC 7873), and to each network of
// others a number of times a second that no resolver reaches. Beyond that they get an empty answer with TC: who is
// there asks again over TCP. In dns processes; counted over all of them (core/rates/rate_table.h).
#pragma once

#include <cstdint>

#include "core/metrics/registry.h"
#include "core/rates/rate_log.h"
#include "core/rates/rate_table.h"
#include "core/server/block.h"
#include "core/shm/snapshot.h"

namespace swage::server {

class AmplificationLimit {
 public:
  static constexpr std::size_t kFactor = 3;              // RFC 9000 section 8.1 has the same
  static constexpr const char* kName = "large answers";  // of the memory in which they are counted
  static constexpr std::size_t kAccounts = 16'384;

  // `secrets`: ServerSecrets'.
  AmplificationLimit(const shm::Snapshot& secrets, shm::WorkerMemory& memory, metrics::Registry& metrics);

  // Whether an answer of that size may go to whoever has sent a question of that size. Cheap where it is small.
  [[nodiscard]] bool allows(const Query& query, const Block* block, std::size_t question, std::size_t answer) {
    if (answer <= kFactor * question) [[likely]]
      return true;
    return query.transport != dns::Transport::udp || query.cookie == dns::Cookie::good || has_left(query, block);
  }

 private:
  [[nodiscard]] bool has_left(const Query& query, const Block* block);

  const shm::Snapshot& secrets_;
  rates::RateTable table_;
  rates::RateLog log_;
  metrics::Counter limited_;
};

}  // namespace swage::server
