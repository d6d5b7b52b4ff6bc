// NoiseStream: what is written is sealed, what is read was (core/libp2p/noise_transport.h), over any Stream.
//
// Noise has no end of its own: an attacker can cut the flow off between two messages unnoticed. The protocol above must
// mark its own ends (yamux: FIN).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/async/stream.h"
#include "core/libp2p/noise.h"

namespace swage::dial {

class NoiseStream : public async::Stream {
 public:
  NoiseStream(std::unique_ptr<async::Stream> carrier, libp2p::noise::Channel channel);
  // Of an initiator that deferred its last message: it goes with the first write, in one piece, and is not even made
  // if there is none. REQUIRES: the handshake is proven, but not done; a write comes before the first read.
  NoiseStream(std::unique_ptr<async::Stream> carrier, libp2p::noise::Handshake handshake);

  // An end in the middle of a message is an Error. After an Error the carrier is closed.
  [[nodiscard]] async::Task<Result<std::size_t>> read(MutableBytes into) override;
  void close() override { carrier_->close(); }

 private:
  [[nodiscard]] async::Task<Result<>> write_parts(Parts parts) override;

  std::unique_ptr<async::Stream> carrier_;
  std::optional<libp2p::noise::Handshake> handshake_;  // to be concluded; else there is
  std::optional<libp2p::noise::Channel> channel_;
  std::vector<std::uint8_t> buffer_;  // made by the first read
  Bytes received_;                    // in buffer_: not opened yet
  std::vector<std::uint8_t> opened_;  // a message
  std::size_t taken_ = 0;             // bytes of it
};

}  // namespace swage::dial
