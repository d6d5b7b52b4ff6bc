#include "core/websocket/codec.h"

#include <fmt/format.h>
#include <wslay/wslay.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace swage::websocket {

namespace {

constexpr std::size_t kCodeSize = 2;  // of a close frame's status code

// Codes that may stand in a close frame (section 7.4, and IANA's registry).
bool may_be_sent(unsigned code) {
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}

}  // namespace

Codec::Codec(Side side, RandomBytes random)
    : side_(side), random_(std::move(random)), frames_(nullptr, wslay_frame_context_free) {
  wslay_frame_callbacks callbacks{};
  callbacks.recv_callback = [](std::uint8_t* into, std::size_t size, int, void* self) noexcept {
    Bytes& input = *static_cast<Codec*>(self)->input_;
    const std::size_t taken = std::min(size, input.size());
    if (taken == 0) return ssize_t{-1};
    std::memcpy(into, input.data(), taken);
    input = input.subspan(taken);
    return static_cast<ssize_t>(taken);
  };
  callbacks.send_callback = [](const std::uint8_t* from, std::size_t size, int, void* self) noexcept {
    std::vector<std::uint8_t>& output = static_cast<Codec*>(self)->output_;
    output.insert(output.end(), from, from + size);
    return static_cast<ssize_t>(size);
  };
  callbacks.genmask_callback = [](std::uint8_t* into, std::size_t size, void* self) noexcept {
    static_cast<Codec*>(self)->random_(MutableBytes(into, size));
    return 0;
  };
  wslay_frame_context* frames = nullptr;
  CHECK(wslay_frame_context_init(&frames, &callbacks, this) == 0);
  frames_.reset(frames);
}

Codec::~Codec() = default;

Result<std::size_t> Codec::receive(Bytes& in, MutableBytes into) {
  CHECK(!into.empty());
  while (!failure_ && ready_.empty() && !ended_) {
    wslay_frame_iocb piece{};
    input_ = &in;
    const ssize_t size = wslay_frame_recv(frames_.get(), &piece);
    input_ = nullptr;
    if (size == WSLAY_ERR_WANT_READ) {
      if (in.empty()) return 0U;
      continue;
    }
    if (size < 0) return fail(Close::protocol_error, "a malformed frame");
    TRY(take(piece));
  }
  if (failure_) return std::unexpected(*failure_);
  const std::size_t given = std::min(ready_.size(), into.size());
  std::copy_n(ready_.begin(), given, into.begin());
  ready_ = ready_.subspan(given);
  return given;
}

// Pieces come in order; the first of a frame, with what its header says, may be empty.
Result<> Codec::take(const wslay_frame_iocb& piece) {
  if (left_ == 0) {
    TRY(begin(piece));
    left_ = piece.payload_length;
  }
  left_ -= piece.data_length;
  const Bytes payload(piece.data, piece.data_length);
  if (!wslay_is_ctrl_frame(piece.opcode)) {
    ready_ = payload;
    if (left_ == 0) in_message_ = piece.fin == 0;
    return {};
  }
  control_.insert(control_.end(), payload.begin(), payload.end());
  return left_ == 0 ? take_control(piece.opcode) : Result<>();
}

// What wslay leaves to us: sections 5.1, 5.2 and 5.4.
Result<> Codec::begin(const wslay_frame_iocb& frame) {
  using enum Close;
  if ((frame.mask != 0) != (side_ == Side::server)) {
    return fail(protocol_error, side_ == Side::server ? "a frame that is not masked" : "a masked frame");
  }
  if (frame.rsv != 0) return fail(protocol_error, "a frame with reserved bits");
  switch (frame.opcode) {
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
      control_.clear();
      return {};
    case WSLAY_CONTINUATION_FRAME:
      if (!in_message_) return fail(protocol_error, "a continuation of nothing");
      return {};
    case WSLAY_TEXT_FRAME:
      return fail(not_binary, "a text message");
    case WSLAY_BINARY_FRAME:
      if (in_message_) return fail(protocol_error, "a message within another");
      in_message_ = true;
      return {};
    default:
      return fail(protocol_error, "a frame of an unknown kind");
  }
}

Result<> Codec::take_control(unsigned opcode) {
  if (opcode == WSLAY_CONNECTION_CLOSE) return take_close();
  if (opcode == WSLAY_PING && !closed_) send_frame(WSLAY_PONG, control_);
  return {};
}

// Answered with its own status code (section 5.5.1). The reason after it is ignored.
Result<> Codec::take_close() {
  const bool empty = control_.empty();
  if (!empty && (control_.size() < kCodeSize || !may_be_sent(load_u16(control_.data())))) {
    return fail(Close::protocol_error, "a malformed close frame");
  }
  ended_ = true;
  if (std::exchange(closed_, true)) return {};
  send_frame(WSLAY_CONNECTION_CLOSE, empty ? Bytes() : Bytes(control_).first(kCodeSize));
  return {};
}

std::unexpected<Error> Codec::fail(Close why, const char* text) {
  close(why);
  failure_ = Error(fmt::format("WebSocket: {}", text));
  return std::unexpected(*failure_);
}

void Codec::send(Bytes payload) {
  CHECK(!closed_);
  send_frame(WSLAY_BINARY_FRAME, payload);
}

void Codec::close(Close why) {
  if (std::exchange(closed_, true)) return;
  std::array<std::uint8_t, kCodeSize> code;
  store_u16(code.data(), static_cast<std::uint16_t>(why));
  send_frame(WSLAY_CONNECTION_CLOSE, code);
}

void Codec::send_frame(unsigned opcode, Bytes payload) {
  wslay_frame_iocb frame{};
  frame.fin = 1;
  frame.opcode = static_cast<std::uint8_t>(opcode);
  frame.mask = side_ == Side::client ? 1 : 0;
  frame.payload_length = frame.data_length = payload.size();
  frame.data = payload.data();
  CHECK(wslay_frame_send(frames_.get(), &frame) == static_cast<ssize_t>(payload.size()));
}

}  // namespace swage::websocket
