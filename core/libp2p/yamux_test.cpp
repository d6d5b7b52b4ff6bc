#include "core/libp2p/yamux.h"

#include <deque>
#include <random>

#include <fmt/format.h>

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::libp2p::yamux;
using ByteVector = std::vector<std::uint8_t>;
using ErrorKind = YamuxError::Kind;

namespace {

ByteVector frame(Type type, int flags, StreamId stream, std::uint32_t length, std::size_t payload = 0) {
  ByteVector bytes;
  append_header(bytes, {type, static_cast<std::uint16_t>(flags), stream, length});
  bytes.resize(bytes.size() + payload, 'x');
  return bytes;
}

ByteVector data(int flags, StreamId stream, std::uint32_t size) { return frame(Type::data, flags, stream, size, size); }
ByteVector update(int flags, StreamId stream, std::uint32_t delta = 0) {
  return frame(Type::window_update, flags, stream, delta);
}

ByteVector operator+(ByteVector a, const ByteVector& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::string describe(const Event& event) {
  const char* const names[] = {"opened", "accepted", "data", "finished", "writable", "reset", "pong", "going_away"};
  std::string text = names[static_cast<int>(event.kind)];
  if (event.stream != 0) text += fmt::format(" {}", event.stream);
  if (event.kind == Event::Kind::data) text += fmt::format(":{}", event.data.size());
  if (event.value != 0) text += fmt::format("={}", event.value);
  return text;
}

// The events of a session, up to its error, one behind the other; data of a stream that follow each other are joined.
struct Transcript {
  std::string text;
  StreamId stream = 0;  // of the data that wait for more
  std::size_t size = 0;

  void say(const std::string& what) {
    flush();
    text += (text.empty() ? "" : ", ") + what;
  }

  void flush() {
    if (const std::size_t waiting = std::exchange(size, 0); waiting > 0)
      say(fmt::format("data {}:{}", stream, waiting));
  }

  // Whether it goes on.
  bool take(const YamuxResult<std::optional<Event>>& event) {
    if (!event) {
      say(event.error().text());
    } else if (*event && (*event)->kind == Event::Kind::data) {
      if (stream != (*event)->stream) flush();
      stream = (*event)->stream;
      size += (*event)->data.size();
    } else if (*event) {
      say(describe(**event));
    }
    return event.has_value();
  }
};

std::string feed(Session& session, Bytes in, std::size_t cut = 0) {
  Transcript transcript;
  for (Bytes part : {in.first(cut), in.subspan(cut)}) {
    for (;;) {
      const auto event = session.receive(part);
      if (!transcript.take(event)) return transcript.text;
      if (!*event) break;
    }
    CHECK(part.empty());
  }
  transcript.flush();
  return transcript.text;
}

ByteVector take_output(Session& session) {
  const ByteVector output(session.output().begin(), session.output().end());
  session.drain(output.size());
  return output;
}

}  // namespace

TEST_CASE("yamux: headers") {
  const ByteVector bytes = {0, 1, 0x00, 0x0F, 0xDE, 0xAD, 0xBE, 0xEF, 0x01, 0x02, 0x03, 0x04};
  const auto header = parse_header(bytes);
  REQUIRE(header);
  CHECK(*header == Header{Type::window_update, kSyn | kAck | kFin | kRst, 0xDEADBEEF, 0x01020304});
  ByteVector out;
  append_header(out, *header);
  CHECK(out == bytes);
  CHECK(parse_header(ByteVector{1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}).error().kind() == ErrorKind::bad_version);
  CHECK(parse_header(ByteVector{0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}).error().kind() == ErrorKind::bad_type);
}

TEST_CASE("yamux: what a listener makes of frames, split at every boundary") {
  const struct {
    ByteVector in;
    std::string events;
    ByteVector out;
  } cases[] = {
      {update(kSyn, 1), "opened 1", {}},
      {data(kSyn, 1, 5), "opened 1, data 1:5", {}},
      {data(kSyn | kFin, 1, 5), "opened 1, data 1:5, finished 1", {}},
      {update(kSyn, 1, 100), "opened 1, writable 1", {}},
      {update(kSyn, 1) + data(0, 1, 3) + data(0, 1, 4) + update(kFin, 1), "opened 1, data 1:7, finished 1", {}},
      {update(kSyn, 1) + update(kFin, 1) + update(kFin, 1), "opened 1, finished 1", {}},
      {update(kSyn, 1) + update(kRst, 1, 7), "opened 1, reset 1=7", {}},
      {update(kSyn, 1) + data(kRst, 1, 3) + data(0, 1, 4), "opened 1, reset 1", {}},
      {update(kSyn | kRst, 1) + data(0, 1, 4), "", {}},
      {update(kSyn, 3) + update(kSyn, 1), "opened 3, opened 1", {}},  // in the order of whoever was first to write
      {data(0, 1, 9) + update(0, 1, 9) + update(kFin, 7) + update(kRst, 7), "", {}},  // of streams that are gone
      {update(kAck, 2) + update(kAck, 1), "", {}},
      {frame(Type::ping, kSyn, 0, 77), "", frame(Type::ping, kAck, 0, 77)},
      {frame(Type::ping, kAck, 0, 77), "", {}},  // nobody asked
      {frame(Type::ping, 0, 0, 77), "", {}},
      {frame(Type::go_away, 0, 0, 0) + update(kSyn, 1), "going_away, opened 1", {}},
      {frame(Type::go_away, 0, 0, 2), "going_away=2", {}},
      // Errors are answered with go away, reason 1.
      {{1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, "yamux version 1", frame(Type::go_away, 0, 0, 1)},
      {{0, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, "yamux type 9", frame(Type::go_away, 0, 0, 1)},
      {update(kSyn, 2), "SYN of stream 2, which is ours to open", frame(Type::go_away, 0, 0, 1)},
      {update(kSyn, 1) + update(kSyn, 1), "opened 1, a second SYN of stream 1", frame(Type::go_away, 0, 0, 1)},
      {update(kSyn, 0), "data of stream 0", frame(Type::go_away, 0, 0, 1)},
      {data(0, 0, 1), "data of stream 0", frame(Type::go_away, 0, 0, 1)},
      {frame(Type::ping, kSyn, 1, 0), "ping or go away of stream 1", frame(Type::go_away, 0, 0, 1)},
      {frame(Type::go_away, 0, 1, 0), "ping or go away of stream 1", frame(Type::go_away, 0, 0, 1)},
      {update(kSyn | kFin, 1) + data(0, 1, 1), "opened 1, finished 1, data after the end of stream 1",
       frame(Type::go_away, 0, 0, 1)},
      {update(kSyn, 1, 0xFFFFFFFF), "opened 1, a window of stream 1 that overflows", frame(Type::go_away, 0, 0, 1)},
      {update(kSyn, 1) + frame(Type::data, 0, 1, 256 * 1024 + 1), "opened 1, 262145 bytes in a frame",
       frame(Type::go_away, 0, 0, 1)},
      {frame(Type::data, 0, 1, 0xFFFFFFFF), "4294967295 bytes in a frame", frame(Type::go_away, 0, 0, 1)},
  };
  for (const auto& [in, events, out] : cases) {
    CAPTURE(events);
    for (std::size_t cut = 0; cut <= in.size(); ++cut) {
      Session session(Role::listener);
      CHECK(feed(session, in, cut) == events);
      CHECK(take_output(session) == out);
    }
  }
}

TEST_CASE("yamux: what commands send") {
  Session session(Role::initiator);
  CHECK(session.open() == 1U);
  CHECK(session.open() == 3U);
  CHECK(take_output(session) == update(kSyn, 1) + update(kSyn, 3));
  CHECK(session.write(1, ByteVector(5, 'x')) == 5U);
  CHECK(take_output(session) == data(0, 1, 5));
  session.close(1);
  session.close(1);
  CHECK(take_output(session) == update(kFin, 1));
  CHECK(session.write(1, ByteVector(5, 'x')).error().kind() == ErrorKind::no_stream);
  session.reset(3);
  session.reset(3);
  CHECK(take_output(session) == update(kRst, 3));
  CHECK(session.write(3, {}).error().kind() == ErrorKind::no_stream);
  CHECK(feed(session, update(kAck, 1) + update(kAck, 1) + data(0, 1, 2) + update(kFin, 1)) ==
        "accepted 1, data 1:2, finished 1");
  CHECK(session.streams() == 1);  // until its data are consumed
  session.consume(1, 2);
  CHECK(session.streams() == 0);
  session.consume(1, 2);
  session.ping(9);
  CHECK(take_output(session) == frame(Type::ping, kSyn, 0, 9));
  CHECK(feed(session, frame(Type::ping, kAck, 0, 8) + frame(Type::ping, kAck, 0, 9)) == "pong=9");
  CHECK(feed(session, update(kSyn, 2)) == "opened 2");
  session.accept(2);
  session.accept(2);
  CHECK(take_output(session) == update(kAck, 2));
  CHECK(feed(session, update(kSyn, 4)) == "opened 4");
  CHECK(session.write(4, ByteVector(1, 'x')) == 1U);  // accepts it
  CHECK(take_output(session) == update(kAck, 4) + data(0, 4, 1));
  session.go_away(Reason::normal);
  CHECK(take_output(session) == frame(Type::go_away, 0, 0, 0));
  CHECK(session.open().error().kind() == ErrorKind::going_away);
  CHECK(feed(session, data(kSyn, 6, 3)).empty());
  CHECK(take_output(session) == update(kRst, 6));
  CHECK(feed(session, data(0, 2, 3)) == "data 2:3");  // what is open goes on

  Session other(Role::listener);
  CHECK(other.open() == 2U);
  CHECK(feed(other, frame(Type::go_away, 0, 0, 0)) == "going_away");
  CHECK(other.open().error().kind() == ErrorKind::going_away);
}

TEST_CASE("yamux: windows") {
  Session session(Role::initiator);
  REQUIRE(session.open() == 1U);
  (void)take_output(session);
  // Ours to fill: 256 KiB, in frames of 64 KiB; then none until the other side says so.
  const ByteVector much(300 * 1024, 'x');
  std::size_t written = 0;
  for (;;) {
    const auto size = session.write(1, Bytes(much).subspan(written));
    REQUIRE(size);
    if (*size == 0) break;
    CHECK(*size <= kMaxPayload);
    written += *size;
    CHECK(take_output(session).size() == kHeaderSize + *size);
  }
  CHECK(written == kInitialWindow);
  CHECK(feed(session, update(0, 1, 10)) == "writable 1");
  CHECK(session.write(1, much) == 10U);
  (void)take_output(session);
  // Theirs: it is told only of half a window and more.
  CHECK(feed(session, data(0, 1, 200 * 1024)) == "data 1:204800");
  session.consume(1, 100 * 1024);
  CHECK(session.output().empty());
  CHECK(session.unconsumed() == 100 * 1024);
  session.consume(1, 100 * 1024);
  CHECK(take_output(session) == update(0, 1, 200 * 1024));
  CHECK(feed(session, data(0, 1, kInitialWindow)) == "data 1:262144");
  CHECK(feed(session, data(0, 1, 1)) == "stream 1 exceeds its window");
  CHECK(feed(session, update(0, 1, 1)) == "stream 1 exceeds its window");  // for ever
  CHECK(session.write(1, much).error().kind() == ErrorKind::window_exceeded);
  CHECK(session.open().error().kind() == ErrorKind::window_exceeded);
}

TEST_CASE("yamux: a larger window is offered with SYN and ACK") {
  Limits limits;
  limits.window = kInitialWindow + 1000;
  Session session(Role::initiator, limits);
  REQUIRE(session.open() == 1U);
  CHECK(take_output(session) == update(kSyn, 1, 1000));
  CHECK(feed(session, update(kSyn, 2)) == "opened 2");
  session.accept(2);
  CHECK(take_output(session) == update(kAck, 2, 1000));
  for (const StreamId id : {1U, 2U}) {
    CHECK(feed(session, data(0, id, kInitialWindow)) == fmt::format("data {}:262144", id));
    CHECK(feed(session, data(0, id, 1000)) == fmt::format("data {}:1000", id));
  }
  CHECK(feed(session, data(0, 2, 1)) == "stream 2 exceeds its window");
}

TEST_CASE("yamux: limits") {
  Limits limits;
  limits.inbound_streams = 2;
  limits.outbound_streams = 2;
  limits.unconsumed = 300 * 1024;
  limits.output = 1000;
  SECTION("streams of the other side: more are reset, until one is done") {
    Session session(Role::listener, limits);
    CHECK(feed(session, update(kSyn, 1) + update(kSyn, 3) + data(kSyn, 5, 9) + data(0, 5, 9)) == "opened 1, opened 3");
    CHECK(take_output(session) == update(kRst, 5));
    session.close(1);
    CHECK(feed(session, update(kFin, 1) + update(kSyn, 7)) == "finished 1, opened 7");
    CHECK(session.streams() == 2);
  }
  SECTION("streams of ours") {
    Session session(Role::initiator, limits);
    REQUIRE(session.open());
    REQUIRE(session.open());
    CHECK(session.open().error().kind() == ErrorKind::too_many);
    session.reset(1);
    CHECK(session.open() == 5U);
  }
  SECTION("data that are not consumed: the stream that goes beyond is reset") {
    Session session(Role::listener, limits);
    CHECK(feed(session, data(kSyn, 1, 200 * 1024)) == "opened 1, data 1:204800");
    CHECK(feed(session, data(kSyn, 3, 150 * 1024)) == "opened 3, reset 3");
    CHECK(take_output(session) == update(kRst, 3));
    CHECK(session.unconsumed() == 200 * 1024);
    session.reset(1);
    CHECK(session.unconsumed() == 0);
    CHECK(feed(session, data(kSyn, 5, 150 * 1024)) == "opened 5, data 5:153600");
  }
  SECTION("output of ours") {
    Session session(Role::initiator, limits);
    REQUIRE(session.open());
    CHECK(session.write(1, ByteVector(2000, 'x')) == 1000 - 2 * kHeaderSize);
    CHECK(session.write(1, ByteVector(2000, 'x')) == 0U);
    session.drain(500);
    CHECK(session.output().size() == 500);
    CHECK(session.write(1, ByteVector(2000, 'x')) == 500 - kHeaderSize);
    session.drain(1000);
    CHECK(session.output().empty());
  }
  SECTION("answers: whoever sends and does not read is cut off") {
    const ByteVector causes[] = {frame(Type::ping, kSyn, 0, 1), update(kSyn, 5) + update(kSyn, 7) + update(kSyn, 9)};
    for (const ByteVector& cause : causes) {
      Session session(Role::listener, limits);
      CHECK(feed(session, update(kSyn, 1) + update(kSyn, 3)) == "opened 1, opened 3");
      std::string seen;
      for (int i = 0; i < 10000 && seen.empty(); ++i) {
        seen = feed(session, cause);
        REQUIRE(session.output().size() <= limits.output + kAnswers);
      }
      CHECK(seen == "the other side does not read");
      CHECK(session.open().error().kind() == ErrorKind::output_full);
    }
  }
}

TEST_CASE("yamux: a stream that is reset while its frame arrives") {
  Session session(Role::listener);
  const ByteVector bytes = data(kSyn | kFin, 1, 100);
  CHECK(feed(session, Bytes(bytes).first(50)) == "opened 1, data 1:38");
  session.reset(1);
  CHECK(feed(session, Bytes(bytes).subspan(50)).empty());
  CHECK(session.streams() == 0);
  CHECK(session.unconsumed() == 0);
  CHECK(feed(session, update(kSyn, 3)) == "opened 3");
}

TEST_CASE("yamux: a stream that is opened while a frame with its number arrives (found by the fuzzer)") {
  Session session(Role::listener);
  const ByteVector bytes = data(kFin, 2, 1000);
  CHECK(feed(session, Bytes(bytes).first(50)).empty());
  REQUIRE(session.open() == 2U);
  CHECK(feed(session, Bytes(bytes).subspan(50)).empty());
  CHECK(feed(session, data(0, 2, 9)) == "data 2:9");
}

namespace {

// One side of a connection, which writes and reads at random and keeps account of it.
struct Side {
  Session session;
  std::map<StreamId, std::string> to_write, read;
  std::map<StreamId, std::size_t> held;
  std::map<StreamId, bool> finished;
  int resets = 0;

  explicit Side(Role role) : session(role) {}

  void take(const Event& event) {
    switch (event.kind) {
      case Event::Kind::opened:
        session.accept(event.stream);
        to_write[event.stream] = std::string(event.stream * 5000, static_cast<char>('A' + event.stream % 26));
        break;
      case Event::Kind::data:
        read[event.stream] += as_text(event.data);
        held[event.stream] += event.data.size();
        break;
      case Event::Kind::finished:
        finished[event.stream] = true;
        break;
      case Event::Kind::reset:
        ++resets;
        break;
      default:
        break;
    }
  }

  void act(std::mt19937_64& random) {
    for (auto& [id, text] : to_write) {
      if (text.empty() || random() % 2 == 0) continue;
      const auto size = session.write(id, as_bytes(std::string_view(text).substr(0, random() % 70000)));
      REQUIRE(size);
      text.erase(0, *size);
      if (text.empty()) session.close(id);
    }
    for (auto& [id, size] : held) {
      const std::size_t part = random() % 3 == 0 ? size : random() % (size + 1);
      session.consume(id, part);
      size -= part;
    }
  }
};

}  // namespace

TEST_CASE("yamux: two sessions, random splits: all that is written arrives, in order, and all streams end") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20; ++round) {
    Side sides[2] = {Side(Role::initiator), Side(Role::listener)};
    for (Side& side : sides) {
      for (std::size_t i = 0, n = random() % 6; i < n; ++i) {
        const StreamId id = *side.session.open();
        side.to_write[id] = std::string(random() % 600000 + 1, static_cast<char>('a' + id % 26));
      }
    }
    std::map<StreamId, std::string> expected[2] = {sides[1].to_write, sides[0].to_write};
    for (int side = 0; side < 2; ++side) {  // what is written back on them
      for (const auto& [id, text] : sides[side].to_write) {
        expected[side][id] = std::string(id * 5000, static_cast<char>('A' + id % 26));
      }
    }
    for (int i = 0; i < 20000; ++i) {
      Side& from = sides[random() % 2];
      Side& to = &from == sides ? sides[1] : sides[0];
      from.act(random);
      Bytes in = from.session.output();
      in = in.first(random() % 4 == 0 ? in.size() : random() % (in.size() + 1));
      const std::size_t size = in.size();
      for (;;) {
        const auto event = to.session.receive(in);
        REQUIRE(event);
        if (!*event) break;
        to.take(**event);
      }
      from.session.drain(size);
      if (i > 100 && sides[0].session.streams() + sides[1].session.streams() == 0) break;
    }
    for (int side = 0; side < 2; ++side) {
      CHECK(sides[side].session.streams() == 0);
      CHECK(sides[side].session.unconsumed() == 0);
      CHECK(sides[side].session.output().empty());
      CHECK(sides[side].resets == 0);
      CHECK((sides[side].read == expected[side]));  // not printed: megabytes
      CHECK(sides[side].finished.size() == expected[side].size());
    }
  }
}
