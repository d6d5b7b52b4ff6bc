// TicketKeys: the Service that makes the keys of session tickets, so that whichever dns process a client comes to
// resumes its session. A new key each hour; the two before it still open tickets. They never touch a disk: a ticket is
// worthless when its key is gone (RFC 9325 section 3.4). In the service process.
#pragma once

#include <cstdint>

#include "core/plugin/service.h"
#include "core/shm/snapshot.h"

namespace swage::plugins::tls {

class TicketKeys : public Service {
 public:
  static constexpr const char* kName = "tls tickets";  // of the snapshot
  static constexpr std::uint64_t kRoll = 3600;         // seconds
  static constexpr std::size_t kKeys = 3;

  explicit TicketKeys(shm::Snapshot& snapshot) : snapshot_(snapshot) {}

  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  // `now`: seconds since 1970. Publishes another key where it is time.
  [[nodiscard]] Result<> roll(std::uint64_t now);

 private:
  shm::Snapshot& snapshot_;
};

}  // namespace swage::plugins::tls
