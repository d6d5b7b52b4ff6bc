#include "core/dial/noise_stream.h"

#include <algorithm>

namespace swage::dial {

namespace {
constexpr std::size_t kReadSize = std::size_t{16} << 10;
}

NoiseStream::NoiseStream(std::unique_ptr<async::Stream> carrier, libp2p::noise::Channel channel)
    : carrier_(std::move(carrier)), channel_(std::move(channel)) {}

NoiseStream::NoiseStream(std::unique_ptr<async::Stream> carrier, libp2p::noise::Handshake handshake)
    : carrier_(std::move(carrier)), handshake_(std::move(handshake)) {
  CHECK(handshake_->proven() && !handshake_->done());
}

async::Task<Result<std::size_t>> NoiseStream::read(MutableBytes into) {
  CHECK(!into.empty() && channel_);
  if (buffer_.empty()) buffer_.resize(kReadSize);
  while (taken_ == opened_.size()) {
    if (received_.empty()) {
      CO_TRY(const std::size_t size, co_await carrier_->read(buffer_));
      received_ = Bytes(buffer_).first(size);
      if (size == 0 && channel_->decryptor.between_messages()) co_return 0U;
      if (size == 0) co_return fail("noise: cut off in a message");
    }
    auto message = channel_->decryptor.receive(received_);
    if (!message) {
      close();
      co_return fail("{}", message.error().text());
    }
    if (!*message) continue;
    opened_ = std::move(**message);
    taken_ = 0;
  }
  const std::size_t size = std::min(into.size(), opened_.size() - taken_);
  std::copy_n(opened_.begin() + static_cast<std::ptrdiff_t>(taken_), size, into.begin());
  taken_ += size;
  co_return size;
}

async::Task<Result<>> NoiseStream::write_parts(Parts parts) {
  std::vector<std::uint8_t> plain, sealed;
  for (const Bytes part : parts) plain.insert(plain.end(), part.begin(), part.end());
  if (plain.empty()) co_return {};
  if (handshake_) {
    handshake_->conclude();
    sealed = handshake_->take_output();
    channel_.emplace(std::move(*handshake_).finish());
    handshake_.reset();
  }
  const auto done = channel_->encryptor.encrypt(plain, sealed);
  if (!done) {
    close();
    co_return fail("{}", done.error().text());
  }
  co_return co_await carrier_->write(sealed);
}

}  // namespace swage::dial
