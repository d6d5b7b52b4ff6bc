// The challenge store of a server block: for each libp2p peer the values of its DNS-01 challenges, which acme-txt
// answers and the broker writes. Both are in the same server block and so find the same store: it is Shared memory that
// bears the name of the block's first zone. Any process reads, the service process in force writes; a value is in force
// in all processes when put() is done.
//
// Where several servers have one store, there is a ChallengeBackend: it sees to it that a value is in force in all of
// them (core/fleet), and what is found in the memory holds until a time that is written there (the fence).
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/task.h"
#include "core/bytes.h"
#include "core/shm/gate.h"
#include "core/shm/shared.h"
#include "core/shm/table.h"

namespace swage::forge {

using Challenges = shm::TableValues;

enum class ChallengeError : std::uint8_t {
  full,         // every entry is live
  share,        // so it is, and the client's network has as many as any
  invalid,      // the key or the value is empty or too long, or has expired
  moved,        // the entries are in another table, because the configuration has changed
  missing,      // there is no store, yet
  unreachable,  // what keeps the store does not answer, or cannot store now; the value may be stored all the same
  timeout,      // it is stored, and some server has not said in time that it answers it
};
[[nodiscard]] std::string_view to_string(ChallengeError error);
[[nodiscard]] ChallengeError challenge_error(shm::PutError error);

template <typename T = void>
using OrChallengeError = std::expected<T, ChallengeError>;

// A value that a peer registers. What it points to must live as long as the task that gets it.
struct Challenge {
  Bytes multihash;
  std::string_view value;
  shm::NetworkId network{};  // the client's
};

// At most `count` in `per` for all that have this key.
struct Allowance {
  std::string key;
  std::uint32_t count = 0;  // 0: no limit
  std::chrono::milliseconds per{1};
};

// What keeps the values of several servers, for their brokers. In the service process; made by acme-txt's setup.
class ChallengeBackend {
 public:
  ChallengeBackend() = default;
  ChallengeBackend(const ChallengeBackend&) = delete;
  ChallengeBackend& operator=(const ChallengeBackend&) = delete;
  virtual ~ChallengeBackend() = default;

  // False where put() would say `unreachable` or `missing` at once.
  [[nodiscard]] virtual bool accepts() const = 0;
  // Gives nothing once every server that answers at all answers the value. Takes as long as its timeout at most. `now`:
  // milliseconds since 1970, as everywhere here.
  [[nodiscard]] virtual async::Task<OrChallengeError<>> put(Challenge challenge, std::int64_t now) = 0;
  // Counts one more for each of these, where all of them allow it: 0. Otherwise counts nothing, and gives how long
  // until they do. Where the servers do not count together: 0 at once.
  [[nodiscard]] virtual async::Task<OrChallengeError<std::chrono::microseconds>> admit(
      std::vector<Allowance> allowances, std::int64_t now) = 0;
};

// What the service process that writes a store has beside its memory.
struct ChallengeWriter : shm::Shared::Companion {
  shm::TableWriter table;
  shm::Gate gate;
  bool in_force = false;  // the memory is the store's
  std::string path;       // as ChallengeSettings has them; for a backend, what it is
  std::uint64_t capacity = 0;
  bool is_shared = false;               // with other servers, by a backend
  ChallengeBackend* backend = nullptr;  // none: the memory is all there is; or it does not run
};

class ChallengeStore {
 public:
  static constexpr std::chrono::milliseconds kHandOn{250};

  // What the memory is called: controller.shared(ChallengeStore::name(ZONE), …), with the first zone of the server
  // block.
  [[nodiscard]] static std::string name(std::string_view zone) { return "challenges " + std::string(zone); }

  // `memory` must outlive the store. It arrives later; until then nothing is found and nothing accepted.
  explicit ChallengeStore(shm::Shared& memory) : memory_(&memory) {}

  // For queries: what is there now.
  [[nodiscard]] shm::Table table() const { return shm::Table(memory_->bytes()); }
  // After the prepare() of acme-txt, which comes before the broker in the chain: false means that there is no acme-txt.
  [[nodiscard]] bool exists() const { return table().exists(); }

  // Service process only. False where put() would say `missing`: this process has not become the store's writer, yet.
  [[nodiscard]] bool accepts() const {
    const auto* const writer = static_cast<const ChallengeWriter*>(memory_->companion());
    if (writer != nullptr && writer->is_shared) return writer->backend != nullptr && writer->backend->accepts();
    return writer != nullptr ? writer->in_force : memory_->writable();
  }

  // Service process only, after the prepare() of acme-txt. Whether other servers have the same store.
  [[nodiscard]] bool is_shared() const {
    const auto* const writer = static_cast<const ChallengeWriter*>(memory_->companion());
    return writer != nullptr && writer->is_shared;
  }

  // The live values of a peer, newest first. `now`: milliseconds, by table().clock().
  [[nodiscard]] shm::Table::Found find(Bytes multihash, std::int64_t now, Challenges& values) const {
    return table().find(multihash, now, values);
  }

  // Service process only. Adds a value as the newest of its peer, to live as long as acme-txt's `lifetime` says; see
  // TableWriter::put. All errors but `invalid` pass: tell the client to try again later. Where there is no backend it
  // is done at once; where another service process has taken over, that is asked, for at most kHandOn. REQUIRES: the
  // store outlives the task. `now`: milliseconds since 1970, as in what follows.
  [[nodiscard]] async::Task<OrChallengeError<>> put(Challenge challenge, std::int64_t now);
  // See ChallengeBackend. REQUIRES: the store outlives the task.
  [[nodiscard]] async::Task<OrChallengeError<std::chrono::microseconds>> admit(std::vector<Allowance> allowances,
                                                                               std::int64_t now);

  // put(), of a store in memory.
  [[nodiscard]] std::expected<void, shm::PutError> put_in_memory(Bytes multihash, std::string_view value,
                                                                 shm::NetworkId network, std::int64_t now);

 private:
  [[nodiscard]] ChallengeWriter* writer();
  [[nodiscard]] ChallengeBackend* backend();

  shm::Shared* memory_;
};

}  // namespace swage::forge
