// Stream: a two-way flow of bytes between two sides, whatever carries it (TCP now; TLS, WebSocket).
//
// Cancelling is closing: after close(), which may be called at any time, by a Timer for example, every read or write
// that waits ends with an Error. One reads and one writes at a time.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>

#include "core/async/task.h"
#include "core/bytes.h"
#include "core/result.h"

namespace swage::async {

class Stream {
 public:
  using Parts = std::array<Bytes, 4>;  // libuv takes 4 without allocating; unused ones are empty

  virtual ~Stream() = default;  // closes

  // Waits for some bytes and puts them at the start of `into`, which must live until then. Gives their number; 0 is the
  // end: the other side writes no more. REQUIRES: `into` is not empty; no other read waits.
  [[nodiscard]] virtual Task<Result<std::size_t>> read(MutableBytes into) = 0;

  // Writes all of up to 4 pieces, one after the other: write(length, message). They must live until it is done. An
  // Error says nothing about how much was written. REQUIRES: no other write waits.
  template <std::convertible_to<Bytes>... Pieces>
    requires(sizeof...(Pieces) >= 1 && sizeof...(Pieces) <= 4)
  [[nodiscard]] Task<Result<>> write(const Pieces&... pieces) {
    return write_parts(Parts{Bytes(pieces)...});
  }

  // At once, without waiting for anything; a second call does nothing. What was written arrives, unless bytes that
  // arrived here were not read (TCP then resets the connection).
  virtual void close() = 0;

 protected:
  [[nodiscard]] virtual Task<Result<>> write_parts(Parts parts) = 0;
};

}  // namespace swage::async
