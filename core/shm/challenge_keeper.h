// Decides which memory is the challenge store when a configuration is set up: what is there already, the file that an
// earlier server left, or a new table, to which the live entries of the others go. In the service process only; does
// I/O, and may wait a moment for a file that another process is about to leave.
//
// A file is a table as it lies in memory (core/shm/table_layout.h), mapped shared, mode 0600, locked (flock) as long as
// any process of the server has it. A table that is to become the file is made beside it, as PATH.new, and renamed once
// the configuration is in force.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/result.h"
#include "core/shm/segment.h"
#include "core/shm/shared.h"

namespace swage::shm {

struct ChallengeSettings {
  std::string path{};  // empty: memory that ends with the server
  std::uint64_t capacity = 100'000;
  std::int64_t lifetime = 3'600'000;  // milliseconds
};

class ChallengeKeeper {
 public:
  using Seed = std::array<std::uint8_t, 16>;

  // `memory` must outlive the keeper. `seed`: unpredictable bytes, for a new table.
  ChallengeKeeper(Shared& memory, ChallengeSettings settings, const Seed& seed)
      : memory_(&memory), settings_(std::move(settings)), seed_(seed) {}

  // For Service::prepare(): provides the memory. An Error names the path. `now`: milliseconds since 1970.
  [[nodiscard]] Result<> prepare(std::int64_t now);
  // For Service::run(), when the configuration is in force: what the table before has got since prepare() is copied and
  // that one accepts nothing more; the file gets its name.
  [[nodiscard]] Result<> enforce(std::int64_t now);
  // What prepare() did, for the log: "100000 peers, 3 of them live, in memory".
  [[nodiscard]] std::string description(std::int64_t now) const;

 private:
  [[nodiscard]] bool is_what_we_want(const Segment& segment) const;
  [[nodiscard]] Result<Segment> open_file() const;
  [[nodiscard]] Result<Segment> create() const;
  [[nodiscard]] std::string new_path() const { return settings_.path + ".new"; }

  Shared* memory_;
  ChallengeSettings settings_;
  Seed seed_;
  Segment before_;  // what the memory replaces, from prepare() to enforce()
};

}  // namespace swage::shm
