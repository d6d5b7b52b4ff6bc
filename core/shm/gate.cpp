#include "core/shm/gate.h"

#include <algorithm>
#include <thread>

namespace swage::shm {

using namespace std::chrono_literals;

Gate::Gate(MutableBytes memory)
    : shared_(memory.size() < sizeof(Shared) ? nullptr : reinterpret_cast<Shared*>(memory.data())) {}

Result<Segment> Gate::create(const std::string& name) { return Segment::create(name, sizeof(Shared)); }

bool Gate::is_open() const {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return shared_ == nullptr || shared_->closed.load(std::memory_order_seq_cst) == 0;
}

void Gate::close() {
  if (shared_ != nullptr) shared_->closed.store(1, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

Gate::Outcome Gate::hand_on(Bytes key, std::string_view value, NetworkId network,
                            std::chrono::milliseconds patience) const {
  const auto moved = std::unexpected(PutError::moved);
  if (shared_ == nullptr || key.size() > table::kMaxKey || value.size() > table::kMaxValue) return moved;
  State state = shared_->state.load(std::memory_order_acquire);
  if (state == State::answered) state = State::free;  // what came too late
  if (state != State::free) return moved;
  Letter& letter = shared_->letter;
  letter = {.network = network,
            .key_size = static_cast<std::uint8_t>(key.size()),
            .value_size = static_cast<std::uint8_t>(value.size()),
            .key = {},
            .value = {}};
  std::ranges::copy(key, letter.key.begin());
  std::ranges::copy(value, letter.value.begin());
  shared_->state.store(State::posted, std::memory_order_release);

  const auto until = std::chrono::steady_clock::now() + patience;
  while (shared_->state.load(std::memory_order_acquire) != State::answered) {
    if (std::chrono::steady_clock::now() > until) {
      State expected = State::posted;  // takes it back; or it has been fetched, and may be put all the same
      static_cast<void>(shared_->state.compare_exchange_strong(expected, State::free));
      return moved;
    }
    std::this_thread::sleep_for(1ms);
  }
  const std::uint64_t answer = shared_->answer.load(std::memory_order_relaxed);
  shared_->state.store(State::free, std::memory_order_release);
  if (answer == 0) return {};
  return std::unexpected(answer <= 1 + static_cast<std::uint64_t>(PutError::missing) ? static_cast<PutError>(answer - 1)
                                                                                     : PutError::moved);
}

void Gate::fetch(const Put& put) const {
  if (shared_ == nullptr) return;
  State expected = State::posted;
  if (!shared_->state.compare_exchange_strong(expected, State::fetched)) return;
  const Letter letter = shared_->letter;
  const std::size_t key_size = std::min<std::size_t>(letter.key_size, table::kMaxKey);
  const std::size_t value_size = std::min<std::size_t>(letter.value_size, table::kMaxValue);
  const Outcome outcome = put({letter.key.data(), key_size}, {letter.value.data(), value_size}, letter.network);
  shared_->answer.store(outcome ? 0 : 1 + static_cast<std::uint64_t>(outcome.error()), std::memory_order_relaxed);
  shared_->state.store(State::answered, std::memory_order_release);
}

}  // namespace swage::shm
