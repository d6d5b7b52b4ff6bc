// Carrier: the stream that carries another one (TLS, WebSocket), and the bytes on their way into it. For
// core/async and core/websocket.
//
// What is put in is written in order by a coroutine of its own. So a reader can answer (an alert, a pong) whoever
// writes meanwhile, without waiting, and may be destroyed at any time. Shared by the layered stream and the coroutines
// on it: each of them holds a shared_ptr, so that it finds all in place when it is resumed after the stream was
// destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/async/event.h"
#include "core/async/loop.h"
#include "core/async/stream.h"
#include "core/async/task.h"
#include "core/bytes.h"
#include "core/result.h"

namespace swage::async {

class Carrier : public std::enable_shared_from_this<Carrier> {
 public:
  static constexpr std::size_t kReadSize = std::size_t{16} << 10;  // bytes that are read at a time, at most
  static constexpr std::size_t kRoom = std::size_t{64} << 10;      // bytes that a writer leaves to be written
  // With so many, nothing is read, which could have to be answered. A writer alone does not get there.
  static constexpr std::size_t kTooMuch = 3 * kRoom;

  Carrier(Loop& loop, std::unique_ptr<Stream> stream) : loop_(loop), stream_(std::move(stream)), changed_(loop) {}
  virtual ~Carrier() = default;
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;

  // Closes the stream; waiting coroutines are resumed with an Error, from the loop.
  void close();
  [[nodiscard]] bool closed() const { return closed_; }

  // Awaits `task`, a coroutine on `carrier` that must not be left half done: closes the carrier if it is destroyed.
  [[nodiscard]] static Task<Result<>> all_of(std::shared_ptr<Carrier> carrier, Task<Result<>> task);

 protected:
  // The layer broke: all that follows fails with this.
  std::unexpected<Error> fail_for_ever(Error error);
  [[nodiscard]] bool failed() const { return failure_.has_value(); }

  [[nodiscard]] Result<> can_read() const;
  [[nodiscard]] Result<> can_write() const;

  // Begins to write what is in `bytes`, and leaves them empty. Never waits.
  void put(std::vector<std::uint8_t>& bytes);
  [[nodiscard]] std::size_t pending() const { return static_cast<std::size_t>(put_ - written_); }
  // Waits until at most `most` bytes of what was put in up to now wait to be written.
  [[nodiscard]] Task<Result<>> written(std::size_t most);

  // For the reader. Reads what comes next into input(); false at the end. While there is kTooMuch to be
  // written it waits. REQUIRES: input() is empty.
  [[nodiscard]] Task<Result<bool>> fill();
  [[nodiscard]] Bytes& input() { return input_; }
  // Gives back the memory where all of it is used.
  void release_input();

  // Waits until something is different: more is written, or notify() was called.
  [[nodiscard]] Task<> change();
  void notify() { changed_.set(); }

 private:
  static Task<> write_out(std::shared_ptr<Carrier> self);

  Loop& loop_;
  std::unique_ptr<Stream> stream_;
  bool closed_ = false;
  std::optional<Error> failure_;        // of the layer
  std::optional<Error> write_failure_;  // of the stream

  std::vector<std::uint8_t> output_;  // to be written after what is being written
  bool writing_ = false;
  std::uint64_t put_ = 0;  // bytes
  std::uint64_t written_ = 0;

  // Bytes that are read next: few while few come, for thousands of readers may be waiting.
  static constexpr std::size_t kFirstRead = std::size_t{2} << 10;
  std::size_t read_size_ = kFirstRead;
  std::unique_ptr<std::uint8_t[]> buffer_;
  Bytes input_;  // in buffer_
  bool ended_ = false;

  Event changed_;
};

}  // namespace swage::async
