// Replica: the values of a fleet, as the engine has them, in the table that this server's dns processes read. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/fleet/engine.h"
#include "core/fleet/layout.h"
#include "core/result.h"
#include "core/shm/table.h"

namespace swage::fleet {

// Values are put in the order in which they were written, so that each server answers the same eight of a peer, newest
// first. The table takes all of them as long as it has room: who gets a place is decided before something is written.
class Replica {
 public:
  // REQUIRES: `table` outlives it.
  explicit Replica(shm::TableWriter& table) : table_(table) {}

  // Values as they are read, in the order of keys; then read_all(). `now`: milliseconds, by the table's clock.
  void read(const Entry& entry, std::int64_t now);
  void read_all(std::int64_t now);
  // What a watch brings, in order.
  void take(const Event& event, std::int64_t now);

  // Adds what another one of the same table has counted.
  void count(const Replica& other) {
    without_room_ += other.without_room_;
    not_understood_ += other.not_understood_;
  }
  // Values that found no room. Then the table is not what the fleet believes.
  [[nodiscard]] std::uint64_t without_room() const { return without_room_; }
  // What cannot be read, and is left out: another program's, or a later version's.
  [[nodiscard]] std::uint64_t not_understood() const { return not_understood_; }

 private:
  struct Read {
    Revision revision;
    StoredValue value;
  };
  void put(const StoredValue& value, std::int64_t now);

  shm::TableWriter& table_;
  std::vector<Read> of_one_peer_;  // that was read last
  std::uint64_t without_room_ = 0, not_understood_ = 0;
};

}  // namespace swage::fleet
