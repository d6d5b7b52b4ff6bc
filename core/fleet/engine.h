// Engine: what a fleet needs of the database that its servers share: keys with revisions, in one order that all see
// alike; a watch; leases. Narrow, so that another database can take etcd's place (docs/decisions/fleet.md says how). On
// a loop, in the service process.
//
// Keys are relative to what is the fleet's own in the database, and bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/async/task.h"
#include "core/result.h"

namespace swage::fleet {

using Revision = std::int64_t;  // grows with each change, for all keys together; from 1
using Lease = std::int64_t;     // 0: none

struct EngineError {
  enum class Kind : std::uint8_t {
    unreachable,  // it does not answer, or cannot now; what was asked for may have been done all the same
    lease_ended,
    forgotten,  // changes since that revision are not known any more: read again
    refused,    // wrong credentials, say: nothing that goes away by itself
  };
  Kind kind = Kind::unreachable;
  std::string text{};  // for the log
};
template <typename T = void>
using OrEngineError = std::expected<T, EngineError>;

struct Entry {
  std::string key{}, value{};
  Revision revision = 0;  // of its last change
};

struct Event {
  bool removed = false;  // also by the end of its lease; then there is no value
  Entry entry{};
};

struct Batch {
  Revision seen = 0;  // everything up to this has come
  std::vector<Event> events{};
};

// Keys from `first` to before `end`.
struct KeyRange {
  std::string first{}, end{};
};

class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  virtual ~Watch() = default;

  // The next changes, in their order, for however long that takes; after an error it is over. One batch without events
  // comes first, when the engine watches. Destroying the task loses nothing.
  [[nodiscard]] virtual async::Task<OrEngineError<Batch>> next() = 0;
};

// Several changes at once, at one revision, if every condition holds.
struct Transaction {
  struct Condition {
    std::string key{};
    Revision revision = 0;               // of its last change; 0: it is not there
    std::optional<std::string> value{};  // instead: it is there, and says this
  };
  struct Change {
    std::string key{};
    std::optional<std::string> value{};  // none: removes it
    Lease lease = 0;                     // the key ends with it
  };
  std::vector<Condition> conditions{};
  std::vector<Change> changes{};
};

class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  using Take = std::function<void(std::vector<Entry>)>;
  // All there is at revision `at`, or at that of now (0), which it gives: `take` gets it in the order of keys, in
  // parts.
  [[nodiscard]] virtual async::Task<OrEngineError<Revision>> read(KeyRange range, Revision at, Take take) = 0;
  // Those of `keys` that are there.
  [[nodiscard]] virtual async::Task<OrEngineError<std::vector<Entry>>> find(std::vector<std::string> keys) = 0;
  // From the revision after `seen` on.
  [[nodiscard]] virtual std::unique_ptr<Watch> watch(KeyRange range, Revision seen) = 0;
  // The revision of the changes; none where a condition did not hold.
  [[nodiscard]] virtual async::Task<OrEngineError<std::optional<Revision>>> change(Transaction transaction) = 0;

  [[nodiscard]] virtual async::Task<OrEngineError<Lease>> grant(std::chrono::seconds time) = 0;
  [[nodiscard]] virtual async::Task<OrEngineError<>> renew(Lease lease) = 0;
  [[nodiscard]] virtual async::Task<OrEngineError<>> revoke(Lease lease) = 0;

  struct Counts {
    std::uint64_t requests = 0, failures = 0;
  };
  [[nodiscard]] virtual Counts counts() const { return {}; }
};

}  // namespace swage::fleet
