// A yamux session (https://github.com/libp2p/specs/blob/master/yamux/README.md): many streams over one connection.
// Without I/O and without a clock: bytes go in and events come out, commands go in and bytes come out. Owned by the
// owner of the connection.
//
// It holds no payload of the other side: that is in the events, and their receiver gives it back to the window with
// consume() when it is used. What the other side can make the two hold together is bounded by Limits.
//
//     for (Bytes in = received; !in.empty();) {          // and again as long as there are events
//       TRY(const auto event, session.receive(in));
//       if (event) …;
//     }
//     send(session.output()); session.drain(sent);
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/libp2p/yamux_frame.h"

namespace swage::libp2p::yamux {

inline constexpr std::uint32_t kInitialWindow = 256 * 1024;    // "Flow Control": of each stream, in each direction
inline constexpr std::uint32_t kMaxWindow = 16 * 1024 * 1024;  // that we offer
inline constexpr std::uint32_t kMaxPayload = 64 * 1024;        // of a frame that we send

enum class Role { initiator, listener };  // the initiator opened the connection; its streams have odd numbers

enum class Reason : std::uint32_t { normal = 0, protocol_error = 1, internal_error = 2 };  // "Session termination"

struct Limits {
  std::size_t inbound_streams = 16;               // opened by the other side, at a time; more are reset
  std::size_t outbound_streams = 16;              // opened by us, at a time
  std::size_t unconsumed = std::size_t{1} << 20;  // bytes of all streams; a stream whose data go beyond is reset
  std::uint32_t window = kInitialWindow;          // of a stream; kInitialWindow to kMaxWindow
  std::size_t output = std::size_t{256} << 10;    // bytes that write() leaves in output(); answers may add kAnswers
};
inline constexpr std::size_t kAnswers = std::size_t{16} << 10;

using StreamId = std::uint32_t;

struct Event {
  enum class Kind {
    opened,      // the other side opened `stream`: accept() or reset() it
    accepted,    // the other side accepted our `stream`
    data,        // `data` of `stream`, which live as long as the bytes that were given to receive()
    finished,    // the other side sends no more on `stream`
    writable,    // the window of `stream` is larger now
    reset,       // `stream` is gone: by the other side, or because its data went beyond Limits::unconsumed
    pong,        // the answer to ping(value)
    going_away,  // the other side opens and accepts no streams any more; `value` is its Reason, or whatever it sent
  };
  Kind kind{};
  StreamId stream = 0;
  Bytes data{};
  std::uint32_t value = 0;
};

template <typename T = void>
using YamuxResult = std::expected<T, YamuxError>;

class Session {
 public:
  explicit Session(Role role, Limits limits = {});

  // The next event. Takes what it used from the front of `in`; nullopt when `in` is empty and nothing is left to say.
  // An error is for ever: the session says go away, and every further call fails in the same way.
  [[nodiscard]] YamuxResult<std::optional<Event>> receive(Bytes& in);

  // Opens a stream; it can be written to at once.
  [[nodiscard]] YamuxResult<StreamId> open();
  // REQUIRES: the other side opened it. Where it is gone already, nothing happens.
  void accept(StreamId stream);
  // Takes as many bytes as the windows let through, perhaps none: then wait for `writable`, or drain().
  [[nodiscard]] YamuxResult<std::size_t> write(StreamId stream, Bytes bytes);
  // No more will be written; reading goes on. Nothing happens where the stream is gone.
  void close(StreamId stream);
  // Ends it in both directions; drop its data that were handed out.
  void reset(StreamId stream);
  // Gives `size` bytes of data events back to the window. REQUIRES: there were as many. Nothing where it is gone.
  void consume(StreamId stream, std::size_t size);

  // One ping is under way at a time: a new one takes the place of the one before.
  void ping(std::uint32_t value);
  // The other side shall open no more streams; those that are open go on.
  void go_away(Reason reason);

  [[nodiscard]] Bytes output() const { return Bytes(output_).subspan(sent_); }
  void drain(std::size_t size);  // REQUIRES: size <= output().size()

  [[nodiscard]] std::size_t streams() const { return streams_.size(); }
  [[nodiscard]] std::size_t unconsumed() const { return unconsumed_; }

 private:
  struct Stream {
    bool ours = false;
    bool accepted = false;       // by the side that did not open it
    bool we_finished = false;    // FIN sent
    bool they_finished = false;  // FIN received
    std::uint32_t send_window = kInitialWindow;
    std::uint32_t credit = kInitialWindow;  // what the other side may still send
    std::uint32_t unconsumed = 0;           // delivered, not given back
    std::uint32_t returned = 0;             // given back, not told the other side yet
  };
  using Streams = std::map<StreamId, Stream>;
  // What of the frame in hand has been dealt with. Each can yield one event.
  enum class Stage { header, syn, ack, begin, payload, fin };

  YamuxResult<std::optional<Event>> step(Bytes& in);
  YamuxResult<std::optional<Event>> take_header(Bytes& in);
  YamuxResult<std::optional<Event>> take_syn();
  YamuxResult<std::optional<Event>> take_ack();
  YamuxResult<std::optional<Event>> begin_body();
  YamuxResult<std::optional<Event>> begin_data(StreamId id, Stream& stream);
  std::optional<Event> take_payload(Bytes& in);
  std::optional<Event> take_fin();
  YamuxResult<std::optional<Event>> take_session_frame();
  std::optional<Event> take_reset();

  [[nodiscard]] bool is_ours(StreamId stream) const { return (stream % 2 == 1) == (role_ == Role::initiator); }
  [[nodiscard]] std::size_t count(bool ours) const;
  Stream* find(StreamId stream);
  void forget(Streams::iterator stream);
  void forget_if_done(StreamId stream);
  void answer(const Header& header);
  void update_window(StreamId stream, std::uint16_t flags, std::uint32_t delta);
  std::unexpected<YamuxError> fail(YamuxError::Kind kind, std::string text);

  Role role_;
  Limits limits_;
  Streams streams_;
  StreamId next_;
  std::size_t unconsumed_ = 0;
  bool we_go_ = false;    // go away sent
  bool they_go_ = false;  // go away received
  std::optional<std::uint32_t> ping_;
  std::optional<YamuxError> failed_;

  Stage stage_ = Stage::header;
  std::array<std::uint8_t, kHeaderSize> header_bytes_{};
  std::size_t header_size_ = 0;  // how many of them are there
  Header frame_;                 // the frame in hand
  std::uint32_t payload_ = 0;    // bytes of it that are still to come

  std::vector<std::uint8_t> output_;
  std::size_t sent_ = 0;  // bytes of output_ that are drained
};

}  // namespace swage::libp2p::yamux
