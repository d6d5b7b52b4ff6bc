// WebSockets over connections: against each other, over TCP and TLS, against recorded bytes; closing at any time.
#include "core/websocket/websocket.h"

#include <array>

#include "core/async/stream_testing.h"
#include "core/async/tls.h"
#include "core/async/tls_testing.h"
#include "core/websocket/upgrade.h"

namespace swage::websocket {

using namespace async;

using namespace std::chrono_literals;
using testing::Buffer;
using testing::note;
using testing::one;
using testing::pattern;
using testing::read_exactly;
using testing::read_to_end;
using testing::run_until_noted;
using testing::Slow;
using testing::StreamPair;
using testing::tcp_pair;

namespace {

using Upgrade = Task<Result<std::unique_ptr<Stream>>>;

Task<> upgrade_to(Upgrade upgrade, std::unique_ptr<Stream>& stream, std::string& outcome) {
  auto made = co_await std::move(upgrade);
  outcome = made ? "fine" : made.error().text();
  if (made) stream = *std::move(made);
}

StreamPair upgraded(Loop& loop, StreamPair below) {
  StreamPair pair;
  std::string client, server;
  loop.spawn(upgrade_to(connect(loop, std::move(below.first), "host:80", "/"), pair.first, client));
  loop.spawn(upgrade_to(accept(loop, std::move(below.second)), pair.second, server));
  REQUIRE(run_until_noted(loop, {one(client), one(server)}));
  REQUIRE(client == "fine");
  REQUIRE(server == "fine");
  return pair;
}

StreamPair tls_pair(Loop& loop) {
  static const auto identity = testing::make_tls_identity("DNS:host");
  StreamPair below = tcp_pair(loop);
  auto client = std::make_unique<TlsStream>(loop, std::move(below.first), *TlsContext::unverified_client({"http/1.1"}),
                                            TlsSide::client, "host");
  auto server = std::make_unique<TlsStream>(
      loop, std::move(below.second), *TlsContext::server(identity.certificate_pem, identity.key_pem, {"http/1.1"}),
      TlsSide::server);
  std::array<std::string, 2> outcomes;
  loop.spawn(note(client->handshake(), outcomes[0]));
  loop.spawn(note(server->handshake(), outcomes[1]));
  REQUIRE(run_until_noted(loop, {outcomes}));
  REQUIRE(outcomes == std::array<std::string, 2>{"fine", "fine"});
  return {std::move(client), std::move(server)};
}

StreamPair slow_pair(Loop& loop, std::size_t step) {
  StreamPair below = tcp_pair(loop);
  return {std::make_unique<Slow>(std::move(below.first), step), std::make_unique<Slow>(std::move(below.second), step)};
}

Task<Result<>> write_all(Stream& stream, Bytes bytes) {
  CO_TRY(co_await stream.write(bytes.first(1), bytes.subspan(1)));
  co_return {};
}

Task<Result<>> expect_all(Stream& stream, Bytes bytes) {
  Buffer got(bytes.size());
  CO_TRY(co_await read_exactly(stream, got));
  if (!std::ranges::equal(got, bytes)) co_return fail("other bytes");
  co_return {};
}

// Writes on both sides, and reads on both what the other writes.
std::vector<std::string> exchange(Loop& loop, const StreamPair& pair, const Buffer& there, const Buffer& back) {
  std::vector<std::string> outcomes(4);
  loop.spawn(note(write_all(*pair.first, there), outcomes[0]));
  loop.spawn(note(expect_all(*pair.first, back), outcomes[1]));
  loop.spawn(note(write_all(*pair.second, back), outcomes[2]));
  loop.spawn(note(expect_all(*pair.second, there), outcomes[3]));
  REQUIRE(run_until_noted(loop, {outcomes}));
  return outcomes;
}

// More than sockets take without a reader.
const Buffer& large() {
  static const Buffer bytes = pattern(32U << 20U);
  return bytes;
}

std::string read_some(int fd, std::size_t size) {
  std::string text(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t more = ::read(fd, text.data() + got, size - got);
    if (more <= 0) break;
    got += static_cast<std::size_t>(more);
  }
  text.resize(got);
  return text;
}

void write_some(int fd, std::string_view text) {
  REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

const std::string kRequest =
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const std::string kMasked = "\x82\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";  // "Hello"

}  // namespace

TEST_CASE("websocket: many bytes, both ways at once: over TCP, slow TCP, TLS and WebSocket") {
  const Buffer there = pattern(3'000'000), back = pattern(2'000'001);
  const std::vector<std::function<StreamPair(Loop&)>> carriers = {
      tcp_pair, [](Loop& loop) { return slow_pair(loop, 1000); }, tls_pair,
      [](Loop& loop) { return upgraded(loop, tcp_pair(loop)); }};
  for (const auto& carrier : carriers) {
    Loop loop;
    const StreamPair pair = upgraded(loop, carrier(loop));
    CHECK(exchange(loop, pair, there, back) == std::vector<std::string>(4, "fine"));
  }
}

TEST_CASE("websocket: one byte at a time below") {
  Loop loop;
  const StreamPair pair = upgraded(loop, slow_pair(loop, 1));
  CHECK(exchange(loop, pair, pattern(3000), pattern(2000)) == std::vector<std::string>(4, "fine"));
}

TEST_CASE("websocket: closing and destroying are the end for the other side, who cannot write then") {
  for (const bool destroy : {false, true}) {
    for (const bool over_tls : {false, true}) {
      Loop loop;
      auto [client, server] = upgraded(loop, over_tls ? tls_pair(loop) : tcp_pair(loop));
      std::string read, again, write;
      loop.spawn(note(read_to_end(*client), read));
      if (destroy) {
        server.reset();
      } else {
        server->close();
      }
      CHECK(run_until_noted(loop, {one(read)}));
      CHECK(read == "fine");
      loop.spawn(note(read_to_end(*client), again));
      loop.spawn(note(client->write(as_bytes("x")), write));
      CHECK(again == "fine");
      CHECK(write == "write: the other side closed the WebSocket");
    }
  }
}

TEST_CASE("websocket: recorded bytes, cut anywhere; what is behind the request belongs to the stream") {
  const std::string wire = kRequest + kMasked + std::string("\x88\x80\x01\x02\x03\x04", 6);
  for (std::size_t cut = 0; cut < wire.size(); cut += 3) {
    Loop loop;
    testing::Connection connection(loop);
    write_some(connection.other, wire.substr(0, cut));
    std::unique_ptr<Stream> stream;
    std::string outcome, read;
    Timer timer(loop, [&] { write_some(connection.other, wire.substr(cut)); });
    timer.start(0ms);
    loop.spawn(upgrade_to(accept(loop, std::move(connection.stream)), stream, outcome));
    REQUIRE(run_until_noted(loop, {one(outcome)}));
    REQUIRE(outcome == "fine");
    std::optional<Result<std::string>> got;
    loop.spawn(testing::keep(read_to_end(*stream), got));
    REQUIRE(testing::run_until(loop, [&] { return got.has_value(); }));
    REQUIRE(got->value() == "Hello");
    stream.reset();
    const std::string sent = read_some(connection.other, 1000);
    REQUIRE(sent.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    REQUIRE(sent.ends_with(std::string("\r\n\r\n\x88\0", 6)));
  }
}

TEST_CASE("websocket: requests that are none are answered, and an Error") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 426 "},
      {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 "},
      {"\x16\x03\x01 a TLS hello\r\n\r\n", "HTTP/1.1 400 "},
      {std::string(20'000, 'x'), ""},
      {"GET / HTTP/1.1\r\nHo", ""},
  };
  for (const auto& [request, answer] : cases) {
    Loop loop;
    testing::Connection connection(loop);
    write_some(connection.other, request);
    REQUIRE(shutdown(connection.other, SHUT_WR) == 0);
    std::unique_ptr<Stream> stream;
    std::string outcome;
    loop.spawn(upgrade_to(accept(loop, std::move(connection.stream)), stream, outcome));
    REQUIRE(run_until_noted(loop, {one(outcome)}));
    CHECK(outcome.starts_with("WebSocket: "));
    CHECK(stream == nullptr);
    CHECK(read_some(connection.other, 1000).starts_with(answer));
  }
}

TEST_CASE("websocket: a client against servers that are none") {
  for (const std::string answer : {"HTTP/1.1 404 Not Found\r\n\r\n", "SSH-2.0-x\r\n\r\n", "", "HTTP/1.1 101"}) {
    Loop loop;
    testing::Connection connection(loop);
    write_some(connection.other, answer);
    REQUIRE(shutdown(connection.other, SHUT_WR) == 0);
    std::unique_ptr<Stream> stream;
    std::string outcome;
    loop.spawn(upgrade_to(connect(loop, std::move(connection.stream), "a", "/"), stream, outcome));
    REQUIRE(run_until_noted(loop, {one(outcome)}));
    CHECK(outcome.starts_with("WebSocket: "));
    CHECK(stream == nullptr);
  }
  Loop loop;
  std::unique_ptr<Stream> stream;
  std::string outcome;
  loop.spawn(upgrade_to(connect(loop, tcp_pair(loop).first, "a\r\nb", "/"), stream, outcome));
  CHECK(outcome == "WebSocket: not a host: 4 bytes");
}

TEST_CASE("websocket: the end of the carrier without a close frame is an Error, as is garbage, which is answered") {
  const std::vector<std::array<std::string, 3>> cases = {
      {"", "WebSocket: truncated: the connection ended without a close frame", ""},
      {kMasked.substr(0, 7), "WebSocket: truncated: the connection ended without a close frame", ""},
      {"\x81\x80"
       "1234",
       "WebSocket: a text message", "\x88\x02\x03\xeb"},
      {"\xff\xff garbage, garbage", "WebSocket: a malformed frame", "\x88\x02\x03\xea"},
  };
  for (const auto& [wire, error, sent] : cases) {
    Loop loop;
    testing::Connection connection(loop);
    write_some(connection.other, kRequest + wire);
    REQUIRE(shutdown(connection.other, SHUT_WR) == 0);
    std::unique_ptr<Stream> stream;
    std::string outcome, read, again, write;
    loop.spawn(upgrade_to(accept(loop, std::move(connection.stream)), stream, outcome));
    REQUIRE(run_until_noted(loop, {one(outcome)}));
    loop.spawn(note(read_to_end(*stream), read));
    REQUIRE(run_until_noted(loop, {one(read)}));
    loop.spawn(note(read_to_end(*stream), again));
    loop.spawn(note(stream->write(as_bytes("x")), write));
    CHECK(read == error);
    CHECK(again == error);
    CHECK(write == error);
    stream.reset();
    CHECK(read_some(connection.other, 1000).ends_with("\r\n\r\n" + sent));
  }
}

TEST_CASE("websocket: pings without end from somebody who does not read: bounded, and then not read any more") {
  Loop loop;
  testing::Connection connection(loop);
  write_some(connection.other, kRequest);
  std::unique_ptr<Stream> stream;
  std::string outcome, read;
  loop.spawn(upgrade_to(accept(loop, std::move(connection.stream)), stream, outcome));
  REQUIRE(run_until_noted(loop, {one(outcome)}));
  loop.spawn(note(read_to_end(*stream), read));
  std::string pings;
  for (int i = 0; i < 1000; ++i) pings += std::string("\x89\xfd\0\0\0\0", 6) + std::string(125, 'x');
  std::size_t sent = 0, stalled = 0;
  const auto flood = [&] {
    const std::string_view next = std::string_view(pings).substr(sent % pings.size());
    const ssize_t size = ::send(connection.other, next.data(), next.size(), MSG_DONTWAIT);
    if (size > 0) sent += static_cast<std::size_t>(size);
    stalled = size > 0 ? 0 : stalled + 1;
    return stalled > 300 || sent > (256U << 20U);
  };
  CHECK(testing::run_until(loop, flood));
  CHECK(stalled > 300);  // nobody takes any more of them: the sockets' buffers and 192 KiB are full
  CHECK(read.empty());
}

TEST_CASE("websocket: a read and a write that wait end when the stream is closed or destroyed, from the loop") {
  for (const bool destroy : {false, true}) {
    Loop loop;
    auto [client, server] = upgraded(loop, tcp_pair(loop));
    Buffer buffer(10);
    std::string read, write;
    loop.spawn(note(client->read(buffer), read));
    loop.spawn(note(client->write(large()), write));
    if (destroy) {
      client.reset();
    } else {
      client->close();
    }
    CHECK((read.empty() && write.empty()));
    CHECK(run_until_noted(loop, {one(read), one(write)}));
    CHECK(read == "read: operation canceled");
    CHECK(write == "write: closed");
  }
}

TEST_CASE("websocket: a read gives what comes while a write waits for somebody who does not read") {
  Loop loop;
  const auto [client, server] = upgraded(loop, tls_pair(loop));
  std::string write, answer, read;
  Buffer buffer(100);
  loop.spawn(note(client->write(large()), write));
  loop.spawn(note(server->write(as_bytes("answer")), answer));
  loop.spawn(note(client->read(buffer), read));
  CHECK(run_until_noted(loop, {one(read), one(answer)}));
  CHECK(read == "fine");
  CHECK(write.empty());
}

TEST_CASE("websocket: a coroutine that is destroyed while it writes closes; while it reads, it does not") {
  Loop loop;
  auto [reading, other] = upgraded(loop, tcp_pair(loop));
  auto [writing, another] = upgraded(loop, tcp_pair(loop));
  Buffer buffer(10);
  std::string outcome, written, read, sent;
  {
    Loop inner;  // only destroys the coroutines
    inner.spawn(note(reading->read(buffer), outcome));
    inner.spawn(note(writing->write(large()), outcome));
  }
  CHECK(outcome.empty());
  loop.spawn(note(writing->write(buffer), written));
  CHECK(written == "write: closed");
  loop.spawn(note(other->write(as_bytes("still")), sent));
  loop.spawn(note(reading->read(buffer), read));
  CHECK(run_until_noted(loop, {one(read), one(sent)}));
  CHECK(read == "fine");
  CHECK(as_text(Bytes(buffer).first(5)) == "still");
}

TEST_CASE("websocket: a loop that is destroyed ends upgrades, reads and writes, and frees them") {
  std::string outcome;
  Buffer buffer(10);
  const auto own = [](StreamPair pair, std::string& note_of, MutableBytes into) -> Task<> {
    Task<> reading = note(pair.first->read(into), note_of);
    Task<> writing = note(pair.first->write(large()), note_of);
    co_await std::move(writing);
    co_await std::move(reading);
  };
  {
    Loop loop;
    std::unique_ptr<Stream> stream;
    StreamPair waiting = tcp_pair(loop), asking = tcp_pair(loop);
    loop.spawn(own(upgraded(loop, tls_pair(loop)), outcome, buffer));
    loop.spawn(upgrade_to(accept(loop, std::move(waiting.first)), stream, outcome));
    loop.spawn(upgrade_to(connect(loop, std::move(asking.first), "a", "/"), stream, outcome));
    Timer timer(loop, [&loop] { loop.stop(); });
    timer.start(5ms);
    loop.run();
    CHECK(outcome.empty());
  }
  CHECK(outcome.empty());
}

TEST_CASE("websocket: an upgrade whose task is destroyed, or whose carrier is closed, ends") {
  Loop loop;
  StreamPair first = tcp_pair(loop), second = tcp_pair(loop);
  std::unique_ptr<Stream> stream;
  std::string destroyed, closed, end;
  {
    Loop inner;
    inner.spawn(upgrade_to(accept(loop, std::move(first.first)), stream, destroyed));
  }
  Stream& carrier = *second.first;
  loop.spawn(upgrade_to(accept(loop, std::move(second.first)), stream, closed));
  carrier.close();
  loop.spawn(note(read_to_end(*first.second), end));
  CHECK(run_until_noted(loop, {one(closed), one(end)}));
  CHECK(destroyed.empty());
  CHECK(closed == "read: operation canceled");
  CHECK(end == "fine");
}

}  // namespace swage::websocket
