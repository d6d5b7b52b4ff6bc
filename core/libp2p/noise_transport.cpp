#include "core/libp2p/noise_transport.h"

#include <algorithm>

namespace swage::libp2p::noise {

using ByteVector = std::vector<std::uint8_t>;

void append_frame(ByteVector& out, Bytes message) {
  CHECK(message.size() <= kMaxMessage);
  std::uint8_t length[kLengthSize];
  store_u16(length, static_cast<std::uint16_t>(message.size()));
  out.insert(out.end(), std::begin(length), std::end(length));
  out.insert(out.end(), message.begin(), message.end());
}

std::optional<ByteVector> FrameReader::read(Bytes& in) {
  for (; length_size_ < kLengthSize; in = in.subspan(1)) {
    if (in.empty()) return std::nullopt;
    length_[length_size_++] = in.front();
  }
  const std::size_t length = load_u16(length_.data());
  const Bytes part = in.first(std::min(in.size(), length - message_.size()));
  in = in.subspan(part.size());
  message_.insert(message_.end(), part.begin(), part.end());
  if (message_.size() < length) return std::nullopt;
  length_size_ = 0;
  return std::exchange(message_, {});
}

NoiseResult<> Encryptor::encrypt(Bytes plaintext, ByteVector& out) {
  do {
    const Bytes part = plaintext.first(std::min(plaintext.size(), kMaxPlaintext));
    const std::size_t begin = out.size(), sealed_size = part.size() + kTagSize;
    out.resize(begin + kLengthSize + sealed_size);
    store_u16(&out[begin], static_cast<std::uint16_t>(sealed_size));
    if (auto done = cipher_.encrypt({}, part, MutableBytes(out).last(sealed_size)); !done) {
      out.resize(begin);
      return done;
    }
    plaintext = plaintext.subspan(part.size());
  } while (!plaintext.empty());
  return {};
}

NoiseResult<std::optional<ByteVector>> Decryptor::receive(Bytes& in) {
  if (failed_) return std::unexpected(*failed_);
  std::optional<ByteVector> message = reader_.read(in);
  if (!message) return std::nullopt;
  const std::size_t size = std::max(message->size(), kTagSize) - kTagSize;
  if (auto done = cipher_.decrypt({}, *message, MutableBytes(*message).first(size)); !done) {
    failed_ = std::move(done).error();
    return std::unexpected(*failed_);
  }
  message->resize(size);
  return message;
}

}  // namespace swage::libp2p::noise
