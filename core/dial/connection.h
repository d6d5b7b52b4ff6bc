// Connection: many streams over one secured stream, by yamux (core/libp2p/yamux.h); Substream: one of them. For both
// sides. Owned by the upgrader of the stream; in the service process, and in swage-peer.
//
//     CO_TRY(const auto stream, co_await connection->open("/ipfs/id/1.0.0"));
//     CO_TRY(const std::size_t size, co_await stream->read(buffer));
//
// What it holds is bounded by yamux::Limits: Limits::unconsumed of what arrived and was not read, and twice
// Limits::output of what is to be sent.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/event.h"
#include "core/async/loop.h"
#include "core/async/stream.h"
#include "core/async/task.h"
#include "core/async/tasks.h"
#include "core/libp2p/yamux.h"
#include "core/result.h"

namespace swage::dial {

inline constexpr std::string_view kMuxer = "/yamux/1.0.0";  // for multistream-select and ALPN

namespace detail {
struct SubstreamState;
}

// As with TcpStream, closing or destroying it, or its Connection, resumes whatever waits for it with an Error, from the
// loop.
class Substream : public async::Stream {
 public:
  explicit Substream(std::shared_ptr<detail::SubstreamState> state) : state_(std::move(state)) {}
  ~Substream() override;
  Substream(const Substream&) = delete;
  Substream& operator=(const Substream&) = delete;

  [[nodiscard]] async::Task<Result<std::size_t>> read(MutableBytes into) override;
  // Tells the other side that no more will be written; reading goes on. REQUIRES: no write waits; none follows.
  void end_writing();
  // What was written still arrives, as long as the Connection lives; unless bytes that arrived here were not read, or
  // more arrive: then the stream is reset.
  void close() override;
  void reset();

 private:
  [[nodiscard]] async::Task<Result<>> write_parts(Parts parts) override;

  std::shared_ptr<detail::SubstreamState> state_;
};

class Connection {
 public:
  // Begins to read at once. REQUIRES: the loop outlives it.
  Connection(async::Loop& loop, std::unique_ptr<async::Stream> carrier, libp2p::yamux::Role role,
             libp2p::yamux::Limits limits);
  // Closes. REQUIRES: no task of open(), accept() or finish() is under way.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Opens a stream and has the other side agree on `protocol`.
  [[nodiscard]] async::Task<Result<std::unique_ptr<async::Stream>>> open(std::string protocol);
  // The next stream that the other side opened, nothing negotiated; in order. An Error when the connection is over.
  // REQUIRES: one waits at a time.
  [[nodiscard]] async::Task<Result<std::unique_ptr<Substream>>> accept();

  // Says go away, waits until everything is written, but for `most` at the longest, then for the other side to close,
  // for `linger` at the longest, and closes.
  [[nodiscard]] async::Task<> finish(std::chrono::milliseconds most, std::chrono::milliseconds linger = {});
  // Closes at once. Streams end with an Error.
  void close();

  // Set when the connection is over, by either side.
  [[nodiscard]] async::Event& over() { return over_; }
  // Open streams, including those of the other side that are not accepted yet.
  [[nodiscard]] std::size_t streams() const { return session_.streams(); }

 private:
  friend Substream;
  using State = detail::SubstreamState;

  [[nodiscard]] async::Task<> receive();
  [[nodiscard]] async::Task<> send();
  [[nodiscard]] Result<> take(Bytes in);
  void handle(const libp2p::yamux::Event& event);
  void handle_opened(libp2p::yamux::StreamId id);
  void handle_data(libp2p::yamux::StreamId id, Bytes data);
  [[nodiscard]] State* find(libp2p::yamux::StreamId id);
  [[nodiscard]] std::shared_ptr<State> add(libp2p::yamux::StreamId id);
  void drop(libp2p::yamux::StreamId id, std::string_view why);
  void end(std::string_view why);
  void say();  // there may be something to send

  async::Loop& loop_;
  std::unique_ptr<async::Stream> carrier_;
  libp2p::yamux::Session session_;
  std::map<libp2p::yamux::StreamId, std::shared_ptr<State>> streams_;  // of which somebody may still read or write
  std::deque<std::shared_ptr<State>> opened_;                          // not accepted yet
  async::Event arrived_;                                               // something in opened_
  async::Event to_send_;
  async::Event sent_;  // everything
  async::Event over_;
  async::Tasks tasks_;  // last: they use what is above
};

}  // namespace swage::dial
