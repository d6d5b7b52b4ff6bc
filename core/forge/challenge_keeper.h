// Decides which memory is the challenge store when a service process begins: always memory of its own, with the live
// entries of what was the store before, or of the file that an earlier server left. In the service process only; does
// I/O, and may wait a moment for a file that another process is about to leave.
//
//     prepare()  makes the table, and copies what is live. Where nothing was before, it is the store at once; else the
//                dns processes, those of the new configuration too, go on with what was there
//     enforce()  closes the gate of the previous process (core/shm/gate.h), copies what came since, provides the table
//     attend()   puts what that process still had under way
//
// Its times are the wall clock's, since the file outlives the machine's start. What is copied may be damaged, and of a
// store with another clock (core/shm/clock.h): every field is checked. A file is a copy of the table as it lies in
// memory (core/shm/table_layout.h), mode 0600, in which the service process alone writes; locked (flock) as long as the
// server has it. It is made beside the previous one, as PATH.new, and renamed once the configuration is in force.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/descriptor.h"
#include "core/forge/challenge_store.h"
#include "core/result.h"
#include "core/shm/clock.h"
#include "core/shm/segment.h"
#include "core/shm/shared.h"

namespace swage::forge {

struct ChallengeSettings {
  std::string path{};  // empty: memory that ends with the server
  std::uint64_t capacity = 100'000;
  std::int64_t lifetime = 3'600'000;  // milliseconds
};

// All must outlive the keeper. `gate` and `file` are service memory; without a path there is no `file`.
struct ChallengeMemory {
  shm::Shared* store;
  shm::ServiceMemory* gate;
  shm::ServiceMemory* file = nullptr;

  [[nodiscard]] static std::string gate_name(std::string_view zone) {
    return "gate of challenges " + std::string(zone);
  }
  [[nodiscard]] static std::string file_name(std::string_view zone) {
    return "file of challenges " + std::string(zone);
  }
};

class ChallengeKeeper {
 public:
  using Seed = shm::TableWriter::Seed;

  // `seed`: unpredictable bytes, for a store that is new.
  ChallengeKeeper(ChallengeMemory memory, ChallengeSettings settings, const Seed& seed)
      : memory_(memory), settings_(std::move(settings)), seed_(seed) {}

  // For Service::prepare(); may be called again where it failed. An Error names the path.
  [[nodiscard]] Result<> prepare(const shm::Moment& now);
  // For Service::run(), when the configuration is in force.
  [[nodiscard]] Result<> enforce(const shm::Moment& now);
  // For some time after enforce(), every few milliseconds: for what the previous process hands on.
  void attend(const shm::Moment& now);
  // True where there was such a process.
  [[nodiscard]] bool has_predecessor() const { return gate_before_.exists(); }
  // What prepare() did, for the log: "3 peers of 100000, in memory".
  [[nodiscard]] std::string description(const shm::Moment& now) const;

 private:
  [[nodiscard]] Result<> check_only() const;
  [[nodiscard]] Result<shm::Mapping> open_file() const;
  [[nodiscard]] Result<> fill(shm::TableWriter& table, const shm::Moment& now);
  [[nodiscard]] Result<> make_file(shm::TableWriter& table);
  [[nodiscard]] Result<> put_in_force();
  [[nodiscard]] ChallengeWriter* writer() const { return static_cast<ChallengeWriter*>(memory_.store->companion()); }
  [[nodiscard]] Result<Descriptor> new_file();

  ChallengeMemory memory_;
  ChallengeSettings settings_;
  Seed seed_;
  shm::Segment made_;         // the table, until it is the store
  shm::Segment gate_before_;  // of the previous process
  std::string new_path_;      // PATH.new, or another one beside it
  shm::Segment new_file_;     // what it is, until it is renamed
  shm::Mapping old_file_;     // of an earlier server; locked until then
};

}  // namespace swage::forge
