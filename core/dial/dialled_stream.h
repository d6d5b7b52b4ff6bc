// LimitedStream: a Stream that gives so many bytes and no more, for a peer that might send for ever.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "core/async/stream.h"

namespace swage::dial {

class LimitedStream : public async::Stream {
 public:
  // A read that finds `most` bytes read already is an Error.
  LimitedStream(std::unique_ptr<async::Stream> carrier, std::size_t most) : carrier_(std::move(carrier)), left_(most) {}

  [[nodiscard]] async::Task<Result<std::size_t>> read(MutableBytes into) override {
    if (left_ == 0) co_return fail("the other side sends too much");
    CO_TRY(const std::size_t size, co_await carrier_->read(into.first(std::min(into.size(), left_))));
    left_ -= size;
    co_return size;
  }
  void close() override { carrier_->close(); }

 private:
  [[nodiscard]] async::Task<Result<>> write_parts(Parts parts) override {
    return carrier_->write(parts[0], parts[1], parts[2], parts[3]);
  }

  std::unique_ptr<async::Stream> carrier_;
  std::size_t left_;
};

}  // namespace swage::dial
