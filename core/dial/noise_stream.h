// NoiseStream: what is written is sealed, what is read was (core/libp2p/noise_transport.h), over any Stream.
//
// Noise has no end of its own: whoever holds the carrier can cut the flow off between two messages unnoticed. What runs
// above has to know its own ends (yamux: FIN).
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/async/stream.h"
#include "core/libp2p/noise.h"

namespace swage::dial {

class NoiseStream : public async::Stream {
 public:
  NoiseStream(std::unique_ptr<async::Stream> carrier, libp2p::noise::Channel channel);

  // An end in the middle of a message is an Error. After an Error the carrier is closed.
  [[nodiscard]] async::Task<Result<std::size_t>> read(MutableBytes into) override;
  void close() override { carrier_->close(); }

 private:
  [[nodiscard]] async::Task<Result<>> write_parts(Parts parts) override;

  std::unique_ptr<async::Stream> carrier_;
  libp2p::noise::Channel channel_;
  std::array<std::uint8_t, 16 * 1024> buffer_;
  Bytes received_;                    // in buffer_: not opened yet
  std::vector<std::uint8_t> opened_;  // a message
  std::size_t taken_ = 0;             // bytes of it
};

}  // namespace swage::dial
