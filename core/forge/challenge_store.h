// The challenge store of a server block: for each libp2p peer the values of its DNS-01 challenges, which acme-txt
// answers and the broker writes. Both are in the same server block and so find the same store: it is Shared memory that
// bears the name of the block's first zone. Any process reads, the service process in force writes; a value is in force
// in all processes when put() returns.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/shm/gate.h"
#include "core/shm/shared.h"
#include "core/shm/table.h"

namespace swage::forge {

using Challenges = shm::TableValues;
using ChallengeError = shm::PutError;

// What the service process that writes a store has beside its memory.
struct ChallengeWriter : shm::Shared::Companion {
  shm::TableWriter table;
  shm::Gate gate;
  bool in_force = false;  // the memory is the store's
  std::string path;       // as ChallengeSettings has them
  std::uint64_t capacity = 0;
};

class ChallengeStore {
 public:
  static constexpr std::chrono::milliseconds kHandOn{250};

  // What the memory is called: controller.shared(ChallengeStore::name(ZONE), …), with the first zone of the server
  // block.
  [[nodiscard]] static std::string name(std::string_view zone) { return "challenges " + std::string(zone); }

  // `memory` must outlive the store. It arrives later; until then nothing is found and nothing accepted.
  explicit ChallengeStore(shm::Shared& memory) : memory_(&memory) {}

  // After the prepare() of acme-txt, which comes before the broker in the chain: false means that there is no acme-txt.
  [[nodiscard]] bool exists() const { return shm::Table(memory_->bytes()).exists(); }

  // Service process only. False where put() would say `missing`: this process has not become the store's writer, yet.
  [[nodiscard]] bool accepts() const {
    const auto* const writer = static_cast<const ChallengeWriter*>(memory_->companion());
    return writer != nullptr ? writer->in_force : memory_->writable();
  }

  // The live values of a peer, newest first. `now`: milliseconds since 1970, as all times here.
  [[nodiscard]] shm::Table::Found find(Bytes multihash, std::int64_t now, Challenges& values) const {
    return shm::Table(memory_->bytes()).find(multihash, now, values);
  }

  // Service process only. Adds a value as the newest of its peer, to live as long as acme-txt's `lifetime` says; see
  // TableWriter::put. `network`: the client's. `full`, `share` and `moved` pass: tell the client to try again later.
  // Where another service process has taken over, it is asked, for at most kHandOn.
  [[nodiscard]] std::expected<void, ChallengeError> put(Bytes multihash, std::string_view value, shm::NetworkId network,
                                                        std::int64_t now) {
    ChallengeWriter* const writer = this->writer();
    if (writer == nullptr || !writer->in_force) return std::unexpected(ChallengeError::missing);
    if (writer->gate.is_open()) {
      const auto put = writer->table.put(multihash, value, now + writer->table.lifetime(), now, network);
      if (!put || writer->gate.is_open()) return put;
    }
    if (!shm::table::is_sound(multihash, value)) return std::unexpected(ChallengeError::invalid);
    return writer->gate.hand_on(multihash, value, network, kHandOn);
  }

 private:
  // That of ChallengeKeeper; or, where the memory came in another way, a new one.
  [[nodiscard]] ChallengeWriter* writer() {
    if (memory_->companion() == nullptr && !memory_->writable_bytes().empty()) {
      auto made = std::make_unique<ChallengeWriter>();
      made->table = shm::TableWriter(memory_->writable_bytes());
      made->in_force = true;
      memory_->set_companion(std::move(made));
    }
    return static_cast<ChallengeWriter*>(memory_->companion());
  }

  shm::Shared* memory_;
};

}  // namespace swage::forge
