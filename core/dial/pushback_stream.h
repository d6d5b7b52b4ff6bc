// PushbackStream: a Stream to which bytes can be given back that were read from it and belong to somebody else. And
// converse(), which has a protocol without I/O talk over one until it is done.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "core/async/stream.h"

namespace swage::dial {

class PushbackStream : public async::Stream {
 public:
  explicit PushbackStream(std::unique_ptr<async::Stream> carrier) : carrier_(std::move(carrier)) {}

  // The next reads give these first. REQUIRES: they were the last that were read.
  void unread(Bytes bytes) { rest_.insert(rest_.begin(), bytes.begin(), bytes.end()); }

  [[nodiscard]] async::Task<Result<std::size_t>> read(MutableBytes into) override {
    if (rest_.empty()) return carrier_->read(into);
    const std::size_t size = std::min(into.size(), rest_.size());
    std::copy_n(rest_.begin(), size, into.begin());
    rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(size));
    return ready(size);
  }
  void close() override { carrier_->close(); }

 private:
  static async::Task<Result<std::size_t>> ready(std::size_t size) { co_return size; }
  [[nodiscard]] async::Task<Result<>> write_parts(Parts parts) override {
    return carrier_->write(parts[0], parts[1], parts[2], parts[3]);
  }

  std::unique_ptr<async::Stream> carrier_;
  std::vector<std::uint8_t> rest_;
};

// `Protocol` has done(), take_output() and receive(Bytes&), as multistream's and Noise's sides have. What was read
// after its end is given back. REQUIRES: awaited at once.
template <typename Protocol>
[[nodiscard]] async::Task<Result<>> converse(Protocol& protocol, PushbackStream& stream) {
  std::array<std::uint8_t, 2048> buffer;
  for (;;) {
    const std::vector<std::uint8_t> output = protocol.take_output();
    if (!output.empty()) CO_TRY(co_await stream.write(output));
    if (protocol.done()) co_return {};
    CO_TRY(const std::size_t size, co_await stream.read(buffer));
    if (size == 0) co_return fail("closed in the middle of a handshake");
    Bytes in(buffer.data(), size);
    if (const auto received = protocol.receive(in); !received) co_return fail("{}", received.error().text());
    stream.unread(in);
  }
}

}  // namespace swage::dial
