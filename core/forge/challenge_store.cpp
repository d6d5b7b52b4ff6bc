#include "core/forge/challenge_store.h"

#include <utility>

namespace swage::forge {

std::string_view to_string(ChallengeError error) {
  switch (error) {
    case ChallengeError::full:
      return to_string(shm::PutError::full);
    case ChallengeError::share:
      return to_string(shm::PutError::share);
    case ChallengeError::invalid:
      return to_string(shm::PutError::invalid);
    case ChallengeError::moved:
      return to_string(shm::PutError::moved);
    case ChallengeError::missing:
      return to_string(shm::PutError::missing);
    case ChallengeError::unreachable:
      return "the store cannot be reached";
    case ChallengeError::timeout:
      return "a nameserver has not said in time that it has the value";
  }
  return "";
}

ChallengeError challenge_error(shm::PutError error) {
  switch (error) {
    case shm::PutError::full:
      return ChallengeError::full;
    case shm::PutError::share:
      return ChallengeError::share;
    case shm::PutError::invalid:
      return ChallengeError::invalid;
    case shm::PutError::moved:
      return ChallengeError::moved;
    case shm::PutError::missing:
      break;
  }
  return ChallengeError::missing;
}

async::Task<OrChallengeError<>> ChallengeStore::put(Challenge challenge, std::int64_t now) {
  if (ChallengeBackend* const shared = backend()) co_return co_await shared->put(challenge, now);
  const auto put = put_in_memory(challenge.multihash, challenge.value, challenge.network, now);
  if (!put) co_return std::unexpected(challenge_error(put.error()));
  co_return OrChallengeError<>();
}

async::Task<OrChallengeError<std::chrono::microseconds>> ChallengeStore::admit(std::vector<Allowance> allowances,
                                                                               std::int64_t now) {
  ChallengeBackend* const shared = backend();
  if (shared == nullptr) co_return std::chrono::microseconds(0);
  co_return co_await shared->admit(std::move(allowances), now);
}

std::expected<void, shm::PutError> ChallengeStore::put_in_memory(Bytes multihash, std::string_view value,
                                                                 shm::NetworkId network, std::int64_t now) {
  ChallengeWriter* const writer = this->writer();
  if (writer == nullptr || !writer->in_force) return std::unexpected(shm::PutError::missing);
  if (writer->gate.is_open()) {
    const auto put = writer->table.put(multihash, value, now + writer->table.lifetime(), now, network);
    if (!put || writer->gate.is_open()) return put;
  }
  if (!shm::table::is_sound(multihash, value)) return std::unexpected(shm::PutError::invalid);
  return writer->gate.hand_on(multihash, value, network, kHandOn);
}

// That of ChallengeKeeper, or of a backend; or, where the memory came in another way, a new one.
ChallengeWriter* ChallengeStore::writer() {
  if (memory_->companion() == nullptr && !memory_->writable_bytes().empty()) {
    auto made = std::make_unique<ChallengeWriter>();
    made->table = shm::TableWriter(memory_->writable_bytes());
    made->in_force = true;
    memory_->set_companion(std::move(made));
  }
  return static_cast<ChallengeWriter*>(memory_->companion());
}

ChallengeBackend* ChallengeStore::backend() {
  const ChallengeWriter* const writer = this->writer();
  return writer == nullptr ? nullptr : writer->backend;
}

}  // namespace swage::forge
