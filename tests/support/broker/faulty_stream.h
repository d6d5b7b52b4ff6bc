// A stream that goes wrong: what is written passes, up to a number of bytes; then its fault begins.
#pragma once

#include <memory>

#include "core/async/event.h"
#include "core/async/stream.h"
#include "core/async/tcp.h"

namespace swage::tests {

enum class Fault : std::uint8_t {
  stall,    // nothing more is sent, and all is held open
  close,    // the connection ends
  garbage,  // bytes that mean nothing, then as stall
  flood,    // bytes that mean nothing, for ever
  trickle,  // what should be sent, a byte every 50 ms
};
inline constexpr int kFaults = 5;

class FaultyStream : public async::Stream {
 public:
  // After `honest` bytes.
  FaultyStream(async::Loop& loop, std::unique_ptr<async::TcpStream> carrier, std::size_t honest, Fault fault)
      : loop_(loop), carrier_(std::move(carrier)), honest_(honest), fault_(fault) {}

  [[nodiscard]] async::Task<Result<std::size_t>> read(MutableBytes into) override { return carrier_->read(into); }
  void close() override { carrier_->close(); }

 private:
  [[nodiscard]] async::Task<Result<>> write_parts(Parts parts) override;
  [[nodiscard]] async::Task<Result<>> go_wrong(std::vector<std::uint8_t> rest);
  [[nodiscard]] async::Task<Result<>> hold();

  async::Loop& loop_;
  std::unique_ptr<async::TcpStream> carrier_;
  std::size_t honest_;
  Fault fault_;
};

}  // namespace swage::tests
