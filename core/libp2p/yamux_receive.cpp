// The half of yamux::Session that reads: frames in, events out, one at a time.
//
//     header → syn → ack → begin → payload → fin → header …      a frame of a stream
//     header → header …                                          ping, go away
//
// A command may come between any two of them, so each looks its stream up again.
#include <algorithm>

#include <fmt/format.h>

#include "core/libp2p/yamux.h"

namespace swage::libp2p::yamux {

using Kind = YamuxError::Kind;

YamuxResult<std::optional<Event>> Session::receive(Bytes& in) {
  while (!failed_) {
    const bool waits = stage_ == Stage::header || (stage_ == Stage::payload && payload_ > 0);
    if (waits && in.empty()) return std::nullopt;
    auto event = step(in);
    if (!event || *event) return event;
  }
  return std::unexpected(*failed_);
}

YamuxResult<std::optional<Event>> Session::step(Bytes& in) {
  switch (stage_) {
    case Stage::header:
      return take_header(in);
    case Stage::syn:
      return take_syn();
    case Stage::ack:
      return take_ack();
    case Stage::begin:
      return begin_body();
    case Stage::payload:
      return take_payload(in);
    case Stage::fin:
      return take_fin();
  }
  return std::nullopt;
}

YamuxResult<std::optional<Event>> Session::take_header(Bytes& in) {
  const std::size_t part = std::min(in.size(), kHeaderSize - header_size_);
  std::ranges::copy(in.first(part), header_bytes_.begin() + static_cast<std::ptrdiff_t>(header_size_));
  header_size_ += part;
  in = in.subspan(part);
  if (header_size_ < kHeaderSize) return std::nullopt;
  header_size_ = 0;
  const auto header = parse_header(header_bytes_);
  if (!header) return fail(header.error().kind(), header.error().text());
  frame_ = *header;
  if (frame_.type == Type::ping || frame_.type == Type::go_away) return take_session_frame();
  if (frame_.stream == 0) return fail(Kind::bad_stream, "data of stream 0");
  payload_ = frame_.type == Type::data ? frame_.length : 0;
  // Not even a stream that is gone can have been promised more.
  if (payload_ > limits_.window) return fail(Kind::window_exceeded, fmt::format("{} bytes in a frame", payload_));
  stage_ = Stage::syn;
  return std::nullopt;
}

YamuxResult<std::optional<Event>> Session::take_session_frame() {
  if (frame_.stream != 0) return fail(Kind::bad_stream, fmt::format("ping or go away of stream {}", frame_.stream));
  if (frame_.type == Type::go_away) {
    they_go_ = true;
    return Event{Event::Kind::going_away, 0, {}, frame_.length};
  }
  if (frame_.has(kSyn)) {
    answer({Type::ping, kAck, 0, frame_.length});
  } else if (frame_.has(kAck) && ping_ == frame_.length) {
    ping_.reset();
    return Event{Event::Kind::pong, 0, {}, frame_.length};
  }
  return std::nullopt;
}

YamuxResult<std::optional<Event>> Session::take_syn() {
  stage_ = Stage::ack;
  if (!frame_.has(kSyn)) return std::nullopt;
  const StreamId id = frame_.stream;
  if (is_ours(id)) return fail(Kind::bad_stream, fmt::format("SYN of stream {}, which is ours to open", id));
  if (find(id) != nullptr) return fail(Kind::duplicate, fmt::format("a second SYN of stream {}", id));
  if (frame_.has(kRst)) return std::nullopt;
  if (we_go_ || count(false) >= limits_.inbound_streams) {
    update_window(id, kRst, 0);  // what comes of it is skipped, as of every stream that is not there
    return std::nullopt;
  }
  streams_[id];
  return Event{Event::Kind::opened, id, {}, 0};
}

YamuxResult<std::optional<Event>> Session::take_ack() {
  stage_ = Stage::begin;
  Stream* const stream = find(frame_.stream);
  if (!frame_.has(kAck) || stream == nullptr || !stream->ours || stream->accepted) return std::nullopt;
  stream->accepted = true;
  return Event{Event::Kind::accepted, frame_.stream, {}, 0};
}

// Resets, windows, and whether the payload may come.
YamuxResult<std::optional<Event>> Session::begin_body() {
  stage_ = Stage::payload;
  Stream* const stream = find(frame_.stream);
  if (stream == nullptr) {  // gone: frames that were under way when it went
    frame_.stream = 0;      // nobody's, even if open() takes the number before the payload is here
    return std::nullopt;
  }
  if (frame_.has(kRst)) return take_reset();
  if (frame_.type == Type::data) return begin_data(frame_.stream, *stream);
  if (frame_.length > 0xFFFFFFFF - stream->send_window) {
    return fail(Kind::window_overflow, fmt::format("a window of stream {} that overflows", frame_.stream));
  }
  stream->send_window += frame_.length;
  if (frame_.length == 0 || stream->we_finished) return std::nullopt;
  return Event{Event::Kind::writable, frame_.stream, {}, 0};
}

YamuxResult<std::optional<Event>> Session::begin_data(StreamId id, Stream& stream) {
  if (payload_ == 0) return std::nullopt;
  if (stream.they_finished) return fail(Kind::after_fin, fmt::format("data after the end of stream {}", id));
  if (payload_ > stream.credit) return fail(Kind::window_exceeded, fmt::format("stream {} exceeds its window", id));
  stream.credit -= payload_;
  if (payload_ <= limits_.unconsumed - std::min(limits_.unconsumed, unconsumed_)) return std::nullopt;
  reset(id);
  return Event{Event::Kind::reset, id, {}, 0};
}

std::optional<Event> Session::take_reset() {
  forget(streams_.find(frame_.stream));
  const std::uint32_t code = frame_.type == Type::window_update ? frame_.length : 0;  // some say why, there
  return Event{Event::Kind::reset, frame_.stream, {}, code};
}

std::optional<Event> Session::take_payload(Bytes& in) {
  const std::size_t size = std::min<std::size_t>(in.size(), payload_);
  const Bytes data = in.first(size);
  in = in.subspan(size);
  payload_ -= static_cast<std::uint32_t>(size);
  if (payload_ == 0) stage_ = Stage::fin;
  Stream* const stream = find(frame_.stream);
  if (stream == nullptr || size == 0) return std::nullopt;
  stream->unconsumed += static_cast<std::uint32_t>(size);
  unconsumed_ += size;
  return Event{Event::Kind::data, frame_.stream, data, 0};
}

std::optional<Event> Session::take_fin() {
  stage_ = Stage::header;
  Stream* const stream = find(frame_.stream);
  if (!frame_.has(kFin) || stream == nullptr || stream->they_finished) return std::nullopt;
  stream->they_finished = true;
  forget_if_done(frame_.stream);
  return Event{Event::Kind::finished, frame_.stream, {}, 0};
}

}  // namespace swage::libp2p::yamux
