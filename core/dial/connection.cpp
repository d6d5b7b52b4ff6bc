#include "core/dial/connection.h"

#include <algorithm>

#include "core/dial/select.h"
#include "core/dial/substream_state.h"

namespace swage::dial {

namespace yamux = libp2p::yamux;
using async::Task;
using Kind = yamux::Event::Kind;

namespace {
constexpr std::chrono::milliseconds kLastWords{1000};  // to tell the other side what it did wrong
}

Connection::Connection(async::Loop& loop, std::unique_ptr<async::Stream> carrier, yamux::Role role,
                       yamux::Limits limits)
    : loop_(loop),
      carrier_(std::move(carrier)),
      session_(role, limits),
      arrived_(loop),
      to_send_(loop),
      sent_(loop),
      over_(loop) {
  sent_.set();
  tasks_.start(send());
  tasks_.start(receive());
}

Connection::~Connection() { close(); }

void Connection::close() { end("the connection was closed"); }

Task<Result<std::unique_ptr<async::Stream>>> Connection::open(std::string protocol) {
  if (over_.is_set()) co_return fail("the connection is over");
  const auto id = session_.open();
  if (!id) co_return fail("{}", id.error().text());
  auto stream = std::make_unique<PushbackStream>(std::make_unique<Substream>(add(*id)));
  say();
  std::vector<std::string> protocols;
  protocols.push_back(std::move(protocol));
  CO_TRY(co_await select(*stream, Side::dialler, std::move(protocols)));
  co_return std::unique_ptr<async::Stream>(std::move(stream));
}

Task<Result<std::unique_ptr<Substream>>> Connection::accept() {
  while (opened_.empty()) {
    if (over_.is_set()) co_return fail("the connection is over");
    arrived_.reset();
    co_await arrived_.wait();
  }
  auto stream = std::make_unique<Substream>(std::move(opened_.front()));
  opened_.pop_front();
  co_return stream;
}

Task<> Connection::finish(std::chrono::milliseconds most, std::chrono::milliseconds linger) {
  if (over_.is_set()) co_return;
  session_.go_away(yamux::Reason::normal);
  say();
  co_await async::wait_for(sent_, most);
  if (linger.count() > 0) co_await async::wait_for(over_, linger);
  close();
}

Task<> Connection::receive() {
  std::vector<std::uint8_t> buffer(std::size_t{16} << 10);
  while (!over_.is_set()) {
    const auto size = co_await carrier_->read(buffer);
    if (!size) co_return end(size.error().text());
    if (*size == 0) co_return end("the other side closed the connection");
    const Result<> taken = take(Bytes(buffer).first(*size));
    say();
    if (taken) continue;
    co_await async::wait_for(sent_, kLastWords);
    end(taken.error().text());
  }
}

Result<> Connection::take(Bytes in) {
  for (;;) {
    const auto event = session_.receive(in);
    if (!event) return fail("yamux: {}", event.error().text());
    if (!*event) return {};
    handle(**event);
  }
}

Task<> Connection::send() {
  while (!over_.is_set()) {
    if (session_.output().empty()) {
      sent_.set();
      to_send_.reset();
      co_await to_send_.wait();
      continue;
    }
    const std::vector<std::uint8_t> bytes(session_.output().begin(), session_.output().end());
    session_.drain(bytes.size());
    for (const auto& [id, state] : streams_) state->writable.set();
    const Result<> written = co_await carrier_->write(bytes);
    if (!written) end(written.error().text());
  }
}

void Connection::say() {
  if (session_.output().empty()) return;
  sent_.reset();
  to_send_.set();
}

void Connection::handle(const yamux::Event& event) {
  switch (event.kind) {
    case Kind::opened:
      return handle_opened(event.stream);
    case Kind::data:
      return handle_data(event.stream, event.data);
    case Kind::finished:
      if (State* state = find(event.stream)) {
        state->finished = true;
        state->readable.set();
      }
      return;
    case Kind::writable:
      if (State* state = find(event.stream)) state->writable.set();
      return;
    case Kind::reset:
      return drop(event.stream, "the other side reset the stream");
    case Kind::accepted:
    case Kind::pong:
    case Kind::going_away:  // those that are open go on
      return;
  }
}

void Connection::handle_opened(yamux::StreamId id) {
  // A number is free for yamux when the stream has ended, which somebody here may still have in hand.
  if (find(id) != nullptr) return session_.reset(id);
  opened_.push_back(add(id));
  arrived_.set();
}

void Connection::handle_data(yamux::StreamId id, Bytes data) {
  State* const state = find(id);
  if (state == nullptr) return session_.reset(id);  // nobody reads it any more
  state->arrived.insert(state->arrived.end(), data.begin(), data.end());
  state->readable.set();
}

Connection::State* Connection::find(yamux::StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

std::shared_ptr<Connection::State> Connection::add(yamux::StreamId id) {
  return streams_[id] = std::make_shared<State>(loop_, *this, id);
}

// What has not been read goes, too: yamux does not count it any more.
void Connection::drop(yamux::StreamId id, std::string_view why) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  std::erase(opened_, found->second);
  found->second->forget();
  found->second->end(why);
  streams_.erase(found);
}

void Connection::end(std::string_view why) {
  if (over_.is_set()) return;
  over_.set();
  arrived_.set();
  to_send_.set();
  sent_.set();
  for (const auto& [id, state] : streams_) state->end(why);
  streams_.clear();
  opened_.clear();
  carrier_->close();
}

}  // namespace swage::dial
