// For the tests of streams over streams: pairs of them, slow ones, and coroutines that use them.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/async/testing.h"

namespace swage::async::testing {

using Buffer = std::vector<std::uint8_t>;
using StreamPair = std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>>;

inline Buffer pattern(std::size_t size) {
  Buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
  return bytes;
}

// The two ends of a connection.
inline StreamPair tcp_pair(Loop& loop) {
  const auto [listener, at] = listening_socket();
  auto client = TcpStream::adopt(loop, client_socket(at));
  auto server = TcpStream::adopt(loop, accept(listener, nullptr, nullptr));
  REQUIRE((client && server));
  ::close(listener);
  return {std::move(*client), std::move(*server)};
}

// Reads and writes at most some bytes at a time.
class Slow : public Stream {
 public:
  Slow(std::unique_ptr<Stream> below, std::size_t step) : below_(std::move(below)), step_(step) {}
  Task<Result<std::size_t>> read(MutableBytes into) override {
    return below_->read(into.first(std::min(step_, into.size())));
  }
  void close() override { below_->close(); }

 private:
  Task<Result<>> write_parts(Parts parts) override {
    for (Bytes part : parts) {
      while (!part.empty()) {
        const Bytes some = part.first(std::min(step_, part.size()));
        CO_TRY(co_await below_->write(some));
        part = part.subspan(some.size());
      }
    }
    co_return {};
  }

  std::unique_ptr<Stream> below_;
  std::size_t step_;
};

inline Task<Result<>> read_exactly(Stream& stream, MutableBytes into) {
  while (!into.empty()) {
    CO_TRY(const std::size_t size, co_await stream.read(into));
    if (size == 0) co_return fail("the end, {} bytes early", into.size());
    into = into.subspan(size);
  }
  co_return {};
}

// All until the end.
inline Task<Result<std::string>> read_to_end(Stream& stream) {
  std::string all;
  Buffer buffer(5000);
  for (;;) {
    CO_TRY(const std::size_t size, co_await stream.read(buffer));
    if (size == 0) co_return all;
    all += as_text(Bytes(buffer).first(size));
  }
}

// What ended a task, or what it gave.
template <typename T>
Task<> note(Task<Result<T>> task, std::string& outcome) {
  const Result<T> result = co_await std::move(task);
  outcome = result ? "fine" : result.error().text();
}

// Runs `loop` until `done`; false where that takes too long. For loops that streams keep busy.
inline bool run_until(Loop& loop, const std::function<bool()>& done) {
  std::int64_t turns = 0;
  std::optional<Timer> look;
  look.emplace(loop, [&] {
    if (done() || ++turns > 15'000) return loop.stop();
    look->start(std::chrono::milliseconds(turns < 20 ? 0 : 1));
  });
  look->start(std::chrono::milliseconds(0));
  loop.run();
  return done();
}

// Runs `loop` until all of these are noted.
inline bool run_until_noted(Loop& loop, std::initializer_list<std::span<const std::string>> outcomes) {
  const auto noted = [](std::span<const std::string> some) {
    return std::ranges::none_of(some, [](const std::string& text) { return text.empty(); });
  };
  return run_until(loop, [&] { return std::ranges::all_of(outcomes, noted); });
}
inline std::span<const std::string> one(const std::string& outcome) { return {&outcome, 1}; }

}  // namespace swage::async::testing
