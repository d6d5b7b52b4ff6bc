// DialledStream: a TCP connection to a stranger. It gives so many bytes and no more, for a peer that might send for
// ever; and is reset when it is closed: mostly nothing that we say last matters to anybody, and there are many of us.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "core/async/tcp.h"

namespace swage::dial {

class DialledStream : public async::Stream {
 public:
  // A read that finds `most` bytes read already is an Error. REQUIRES: connected.
  DialledStream(std::unique_ptr<async::TcpStream> tcp, std::size_t most) : tcp_(std::move(tcp)), left_(most) {}
  ~DialledStream() override { DialledStream::close(); }
  DialledStream(const DialledStream&) = delete;
  DialledStream& operator=(const DialledStream&) = delete;

  [[nodiscard]] async::Task<Result<std::size_t>> read(MutableBytes into) override {
    if (left_ == 0) co_return fail("the other side sends too much");
    CO_TRY(const std::size_t size, co_await tcp_->read(into.first(std::min(into.size(), left_))));
    left_ -= size;
    co_return size;
  }
  void close() override {
    if (!in_order_) tcp_->reset_when_closed();
    tcp_->close();
  }
  // When it is closed, what was written is to arrive.
  void end_in_order() { in_order_ = true; }

 private:
  [[nodiscard]] async::Task<Result<>> write_parts(Parts parts) override {
    return tcp_->write(parts[0], parts[1], parts[2], parts[3]);
  }

  std::unique_ptr<async::TcpStream> tcp_;
  std::size_t left_;
  bool in_order_ = false;
};

}  // namespace swage::dial
