// What arrives is in yamux_receive.cpp; here are the commands, and the streams' coming and going.
#include "core/libp2p/yamux.h"

#include <algorithm>

#include <fmt/format.h>

namespace swage::libp2p::yamux {

using Kind = YamuxError::Kind;

Session::Session(Role role, Limits limits) : role_(role), limits_(limits), next_(role == Role::initiator ? 1 : 2) {
  CHECK(limits_.window >= kInitialWindow && limits_.window <= kMaxWindow);
}

YamuxResult<StreamId> Session::open() {
  if (failed_) return std::unexpected(*failed_);
  if (we_go_ || they_go_) return std::unexpected(YamuxError(Kind::going_away, "the session is going away"));
  if (count(true) >= limits_.outbound_streams || next_ >= 0xFFFFFFFE) {
    return std::unexpected(YamuxError(Kind::too_many, "too many streams"));
  }
  const StreamId id = std::exchange(next_, next_ + 2);
  Stream& stream = streams_[id];
  stream.ours = true;
  stream.credit = limits_.window;
  update_window(id, kSyn, limits_.window - kInitialWindow);
  return id;
}

void Session::accept(StreamId id) {
  CHECK(!is_ours(id));
  Stream* const stream = find(id);
  if (stream == nullptr || stream->accepted) return;
  stream->accepted = true;
  stream->credit += limits_.window - kInitialWindow;
  update_window(id, kAck, limits_.window - kInitialWindow);
}

YamuxResult<std::size_t> Session::write(StreamId id, Bytes bytes) {
  if (failed_) return std::unexpected(*failed_);
  Stream* const stream = find(id);
  if (stream == nullptr || stream->we_finished) {
    return std::unexpected(YamuxError(Kind::no_stream, fmt::format("stream {} is not open for writing", id)));
  }
  if (!stream->ours) accept(id);
  const std::size_t used = output().size() + kHeaderSize;
  const std::size_t room = limits_.output > used ? limits_.output - used : 0;
  const std::size_t size = std::min({bytes.size(), room, std::size_t{stream->send_window}, std::size_t{kMaxPayload}});
  if (size == 0) return 0;
  append_header(output_, {Type::data, 0, id, static_cast<std::uint32_t>(size)});
  output_.insert(output_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  stream->send_window -= static_cast<std::uint32_t>(size);
  return size;
}

void Session::close(StreamId id) {
  Stream* const stream = find(id);
  if (stream == nullptr || stream->we_finished) return;
  if (!stream->ours) accept(id);
  stream->we_finished = true;
  update_window(id, kFin, 0);
  forget_if_done(id);
}

void Session::reset(StreamId id) {
  const auto stream = streams_.find(id);
  if (stream == streams_.end()) return;
  update_window(id, kRst, 0);
  forget(stream);
}

void Session::consume(StreamId id, std::size_t size) {
  Stream* const stream = find(id);
  if (stream == nullptr) return;
  CHECK(size <= stream->unconsumed);
  stream->unconsumed -= static_cast<std::uint32_t>(size);
  stream->returned += static_cast<std::uint32_t>(size);
  unconsumed_ -= size;
  // Not for every few bytes: half a window is early enough for the other side never to wait.
  if (!stream->they_finished && stream->returned >= limits_.window / 2) {
    const std::uint32_t delta = std::exchange(stream->returned, 0);
    stream->credit += delta;
    update_window(id, 0, delta);
  }
  forget_if_done(id);
}

void Session::ping(std::uint32_t value) {
  ping_ = value;
  answer({Type::ping, kSyn, 0, value});
}

void Session::go_away(Reason reason) {
  we_go_ = true;
  answer({Type::go_away, 0, 0, static_cast<std::uint32_t>(reason)});
}

void Session::drain(std::size_t size) {
  CHECK(size <= output().size());
  sent_ += size;
  if (sent_ == output_.size()) {
    output_.clear();
    sent_ = 0;
  } else if (sent_ > output_.size() / 2) {
    output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(std::exchange(sent_, 0)));
  }
}

std::size_t Session::count(bool ours) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(streams_, [&](const auto& each) { return each.second.ours == ours; }));
}

Session::Stream* Session::find(StreamId id) {
  const auto stream = streams_.find(id);
  return stream == streams_.end() ? nullptr : &stream->second;
}

void Session::forget(Streams::iterator stream) {
  unconsumed_ -= stream->second.unconsumed;
  streams_.erase(stream);
}

// A stream that ended in both directions stays until its data are consumed: they count.
void Session::forget_if_done(StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const Stream& stream = found->second;
  if (stream.we_finished && stream.they_finished && stream.unconsumed == 0) forget(found);
}

void Session::update_window(StreamId id, std::uint16_t flags, std::uint32_t delta) {
  answer({Type::window_update, flags, id, delta});
}

// Sends a frame without payload. Most of them are caused by the other side: one that does not read what it causes must
// not fill our memory.
void Session::answer(const Header& header) {
  if (failed_) return;
  if (output().size() + kHeaderSize > limits_.output + kAnswers) {
    failed_ = YamuxError(Kind::output_full, "the other side does not read");
    return;
  }
  append_header(output_, header);
}

std::unexpected<YamuxError> Session::fail(Kind kind, std::string text) {
  go_away(Reason::protocol_error);
  failed_ = YamuxError(kind, std::move(text));
  return std::unexpected(*failed_);
}

}  // namespace swage::libp2p::yamux
