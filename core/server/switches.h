// Switches: what operators change while the server runs (swagectl): the level of the log, and whose queries are logged
// for a while. The service process publishes them as a Snapshot; dns processes act on them when they arrive, so a query
// costs the look at one pointer. They outlive reloads and processes that are replaced, and end with the server.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "core/bytes.h"
#include "core/control/server.h"
#include "core/log_level.h"
#include "core/plugin/chain.h"
#include "core/shm/snapshot.h"

namespace swage::server {

struct Switches {
  static constexpr const char* kName = "server switches";  // of the snapshot

  std::optional<log::Level> level;  // none: as the Corefile has it
  std::optional<control::QueryLog> queries;
  std::int64_t until = 0;  // for queries; nanoseconds, steady clock

  // Of what was published; all off where that is nothing.
  [[nodiscard]] static Switches read(Bytes memory);
  [[nodiscard]] Result<> publish(shm::Snapshot& snapshot) const;
};

// Logs the queries that `switches` say; nullptr where it says none. In dns processes.
[[nodiscard]] std::unique_ptr<const Observer> make_query_log(const Switches& switches);

}  // namespace swage::server
