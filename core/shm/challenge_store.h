// The challenge store of a server block: for each libp2p peer the values of its DNS-01 challenges, which acme-txt
// answers and the broker writes. Both are in the same server block and so find the same store: it is Shared memory that
// bears the name of the block's first zone. Any process reads, the service process writes; a value is in force in all
// processes when put() returns.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/shm/shared.h"
#include "core/shm/table.h"

namespace swage::shm {

using Challenges = TableValues;
using ChallengeError = PutError;

class ChallengeStore {
 public:
  // What the memory is called: controller.shared(ChallengeStore::name(controller.zones().front().to_string())).
  [[nodiscard]] static std::string name(std::string_view zone) { return "challenges " + std::string(zone); }

  // `memory` must outlive the store. It arrives later; until then nothing is found and nothing accepted.
  explicit ChallengeStore(Shared& memory) : memory_(&memory) {}

  // After the prepare() of acme-txt, which comes before the broker in the chain: false means that there is no acme-txt.
  [[nodiscard]] bool exists() const { return Table(memory_->bytes()).exists(); }

  // The live values of a peer, newest first. `now`: milliseconds since 1970, as all times here.
  [[nodiscard]] Table::Found find(Bytes multihash, std::int64_t now, Challenges& values) const {
    return Table(memory_->bytes()).find(multihash, now, values);
  }

  // Service process only. Adds a value as the newest of its peer, to live as long as acme-txt's `lifetime` says; see
  // TableWriter::put. `network`: the client's. `full`, `share` and `moved` pass: tell the client to try again later.
  [[nodiscard]] std::expected<void, ChallengeError> put(Bytes multihash, std::string_view value,
                                                        [[maybe_unused]] NetworkId network, std::int64_t now) {
    TableWriter writer(memory_->writable_bytes());
    if (!writer.exists()) return std::unexpected(ChallengeError::missing);
    return writer.put(multihash, value, now + writer.lifetime(), now);
  }

 private:
  Shared* memory_;
};

}  // namespace swage::shm
