// How a service process takes over from the one before: memory that both have, and no dns process.
//
// The gate says "your store is not the store any more". Neither side waits for the other:
//
//     the one that puts:       is the gate open? → change the store → is the gate still open? → accepted
//     the one that takes over: close the gate   → copy the store
//
// Both have a sequentially consistent fence in the middle. So either the copy has the change, or whoever made it sees
// that the gate is closed, and does not say that it was accepted.
//
// The process before may have work that ends later: registrations that were being dialled. What it would put then, it
// hands on: one letter at a time, which its successor fetches. It waits for the answer, for a bounded time.
//
//     free → (written) → posted → fetched → answered → free;    posted → free, where it is not fetched in time
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <string_view>

#include "core/shm/segment.h"
#include "core/shm/table.h"

namespace swage::shm {

class Gate {
 public:
  using Outcome = std::expected<void, PutError>;
  using Put = std::function<Outcome(Bytes key, std::string_view value, NetworkId network)>;

  Gate() = default;  // none: open, for good
  // `memory`, which must outlive the gate, is that of create(), writable; a gate that is none where it is not.
  explicit Gate(MutableBytes memory);

  // Memory for a gate that is open.
  [[nodiscard]] static Result<Segment> create(const std::string& name);

  // Before a change, and between a change and the word that it was accepted.
  [[nodiscard]] bool is_open() const;
  void close();

  // For the process before: what its successor says of a value, `moved` where it says nothing for as long as
  // `patience`. REQUIRES: the gate is closed; the sizes are those of a table. One thread.
  [[nodiscard]] Outcome hand_on(Bytes key, std::string_view value, NetworkId network,
                                std::chrono::milliseconds patience) const;
  // For the successor: answers the letter that is there, if one is, with what `put` says.
  void fetch(const Put& put) const;

 private:
  enum class State : std::uint64_t { free, posted, fetched, answered };
  struct Letter {
    NetworkId network;
    std::uint8_t key_size, value_size;
    std::array<std::uint8_t, table::kMaxKey> key;
    std::array<char, table::kMaxValue> value;
  };
  struct Shared {
    std::atomic<std::uint64_t> closed;
    std::atomic<State> state;
    std::atomic<std::uint64_t> answer;  // 0, or 1 + a PutError
    Letter letter;
  };
  static_assert(std::atomic<State>::is_always_lock_free);

  Shared* shared_ = nullptr;
};

}  // namespace swage::shm
