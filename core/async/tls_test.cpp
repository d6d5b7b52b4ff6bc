// TLS between two TlsStreams: handshakes, bytes, ends, closing at any time.
#include "core/async/tls.h"

#include <array>
#include <optional>

#include "core/async/event.h"
#include "core/async/stream_testing.h"
#include "core/async/tls_testing.h"

namespace swage::async {

using namespace std::chrono_literals;
using testing::Buffer;
using testing::keep;
using testing::make_tls_identity;
using testing::note;
using testing::one;
using testing::pattern;
using testing::read_exactly;
using testing::read_to_end;
using testing::run;
using testing::run_until_noted;
using testing::Slow;
using testing::StreamPair;
using testing::tcp_pair;
using testing::TlsIdentity;

namespace {

const TlsIdentity& authority() {
  static const TlsIdentity identity = make_tls_identity("");
  return identity;
}
const TlsIdentity& site() {
  static const TlsIdentity identity =
      make_tls_identity("DNS:site.test,DNS:*.wild.test,DNS:a*.part.test,IP:127.0.0.1,IP:::1", &authority());
  return identity;
}

TlsContext server(std::vector<std::string> alpn = {}) {
  return *TlsContext::server(site().certificate_pem, site().key_pem, std::move(alpn));
}
TlsContext client(std::vector<std::string> alpn = {}) {
  return *TlsContext::client(authority().certificate_pem, std::move(alpn));
}
TlsContext peer(const TlsIdentity& identity, std::vector<std::string> alpn) {
  return *TlsContext::mutual(identity.certificate_der, identity.key_der, std::move(alpn));
}

// Both ends of a connection, over TCP.
struct Pair {
  Pair(Loop& loop, const TlsContext& client_context, const TlsContext& server_context, std::string name,
       std::size_t step = 0) {
    StreamPair below = tcp_pair(loop);
    if (step != 0) {
      below.first = std::make_unique<Slow>(std::move(below.first), step);
      below.second = std::make_unique<Slow>(std::move(below.second), step);
    }
    client =
        std::make_unique<TlsStream>(loop, std::move(below.first), client_context, TlsSide::client, std::move(name));
    server = std::make_unique<TlsStream>(loop, std::move(below.second), server_context, TlsSide::server);
  }
  std::unique_ptr<TlsStream> client, server;
};

struct Outcome {
  std::string client, server;
};

Outcome shake_hands(Loop& loop, const Pair& pair) {
  Outcome outcome;
  loop.spawn(note(pair.client->handshake(), outcome.client));
  loop.spawn(note(pair.server->handshake(), outcome.server));
  CHECK(run_until_noted(loop, {one(outcome.client), one(outcome.server)}));
  return outcome;
}

// A pair whose handshake is done.
Pair connected(Loop& loop, std::size_t step = 0) {
  Pair pair(loop, client(), server(), "site.test", step);
  const Outcome outcome = shake_hands(loop, pair);
  REQUIRE(outcome.client == "fine");
  REQUIRE(outcome.server == "fine");
  return pair;
}

Task<Result<>> write_all(TlsStream& stream, Bytes bytes) {
  CO_TRY(co_await stream.write(bytes));
  CO_TRY(co_await stream.end_writing());
  co_return {};
}

Task<Result<>> expect_all(TlsStream& stream, Bytes bytes) {
  Buffer got(bytes.size());
  CO_TRY(co_await read_exactly(stream, got));
  if (!std::ranges::equal(got, bytes)) co_return fail("other bytes");
  for (int i = 0; i < 3; ++i) {
    CO_TRY(const std::size_t more, co_await stream.read(got));
    if (more != 0) co_return fail("more than that");
  }
  co_return {};
}

// More than sockets take without a reader.
const Buffer& large() {
  static const Buffer bytes = pattern(32U << 20U);
  return bytes;
}

}  // namespace

TEST_CASE("tls: names that are verified") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"site.test", ""},
      {"SITE.test", ""},
      {"site.test.", ""},
      {"any.wild.test", ""},
      {"127.0.0.1", ""},
      {"::1", ""},
      {"other.test", "hostname mismatch"},
      {"wild.test", "hostname mismatch"},
      {"a.b.wild.test", "hostname mismatch"},
      {"ab.part.test", "hostname mismatch"},
      {"127.0.0.2", "IP address mismatch"},
      {"::2", "IP address mismatch"},
  };
  for (const auto& [name, error] : cases) {
    Loop loop;
    const Outcome outcome = shake_hands(loop, Pair(loop, client(), server(), name));
    INFO(name);
    if (error.empty()) {
      CHECK(outcome.client == "fine");
      CHECK(outcome.server == "fine");
    } else {
      CHECK(outcome.client == "TLS handshake: certificate verify failed: " + error);
      CHECK(outcome.server.starts_with("TLS handshake: "));
    }
  }
}

TEST_CASE("tls: a client that verifies needs a name that can be one") {
  for (const std::string& name : {std::string(), std::string(300, 'x')}) {
    Loop loop;
    Pair pair(loop, client(), server(), name);
    std::string outcome;
    loop.spawn(note(pair.client->handshake(), outcome));
    CHECK(outcome.starts_with("TLS handshake: "));
  }
}

TEST_CASE("tls: another authority; itself; no verification") {
  const TlsIdentity alone = make_tls_identity("DNS:site.test");
  const TlsContext alone_server = *TlsContext::server(alone.certificate_pem, alone.key_pem, {});
  const std::string prefix = "TLS handshake: certificate verify failed: ";
  {
    Loop loop;
    CHECK(shake_hands(loop, Pair(loop, *TlsContext::client(alone.certificate_pem, {}), server(), "site.test")).client ==
          prefix + "unable to get local issuer certificate");
  }
  {
    Loop loop;
    CHECK(shake_hands(loop, Pair(loop, *TlsContext::client("", {}), alone_server, "site.test")).client ==
          prefix + "self-signed certificate");
  }
  {
    Loop loop;
    CHECK(shake_hands(loop, Pair(loop, *TlsContext::client(alone.certificate_pem, {}), alone_server, "site.test"))
              .client == "fine");
  }
  for (const std::string name : {"", "other.test", "192.0.2.1"}) {
    Loop loop;
    CHECK(shake_hands(loop, Pair(loop, *TlsContext::unverified_client({}), alone_server, name)).client == "fine");
  }
}

TEST_CASE("tls: ALPN: the server's preference; https goes on where nothing fits, libp2p does not") {
  using Names = std::vector<std::string>;
  struct Case {
    Names client, server;
    std::string agreed;
  };
  const std::vector<Case> cases = {
      {{"http/1.1"}, {"http/1.1"}, "http/1.1"},
      {{"a", "b", "c"}, {"x", "c", "b"}, "c"},
      {{"a"}, {"b"}, ""},
      {{}, {"b"}, ""},
      {{"a"}, {}, ""},
      {{"ab"}, {"a", "b"}, ""},
  };
  for (const Case& c : cases) {
    Loop loop;
    const Pair pair(loop, client(c.client), server(c.server), "site.test");
    CHECK(shake_hands(loop, pair).client == "fine");
    CHECK(pair.client->alpn() == c.agreed);
    CHECK(pair.server->alpn() == c.agreed);
  }
  const TlsIdentity identity = make_tls_identity("DNS:libp2p");
  {
    Loop loop;
    const Pair pair(loop, peer(identity, {"/yamux/1.0.0", "libp2p"}), peer(identity, {"libp2p", "/yamux/1.0.0"}), "");
    CHECK(shake_hands(loop, pair).client == "fine");
    CHECK(pair.client->alpn() == "libp2p");
  }
  {
    Loop loop;
    const Outcome outcome = shake_hands(loop, Pair(loop, peer(identity, {"a"}), peer(identity, {"b"}), ""));
    CHECK(outcome.client == "TLS handshake: tlsv1 alert no application protocol");
    CHECK(outcome.server == "TLS handshake: no application protocol");
  }
}

TEST_CASE("tls: libp2p takes one certificate, not a chain") {
  const TlsIdentity own = make_tls_identity("DNS:one");
  const std::string chain = site().certificate_pem + authority().certificate_pem;
  for (const bool alone : {true, false}) {
    Loop loop;
    const TlsContext other = *TlsContext::server(alone ? site().certificate_pem : chain, site().key_pem, {"libp2p"});
    const Outcome outcome = shake_hands(loop, Pair(loop, peer(own, {"libp2p"}), other, ""));
    CHECK(outcome.client == (alone ? "fine" : "TLS handshake: certificate verify failed: certificate chain too long"));
  }
}

TEST_CASE("tls: both sides of libp2p see the other's certificate; nobody else gets in") {
  const TlsIdentity one = make_tls_identity("DNS:one"), two = make_tls_identity("DNS:two");
  {
    Loop loop;
    const Pair pair(loop, peer(one, {"libp2p"}), peer(two, {"libp2p"}), "");
    const Outcome outcome = shake_hands(loop, pair);
    CHECK(outcome.client == "fine");
    CHECK(outcome.server == "fine");
    CHECK(pair.client->peer_certificate() == two.certificate_der);
    CHECK(pair.server->peer_certificate() == one.certificate_der);
  }
  {
    Loop loop;
    const Pair pair(loop, *TlsContext::unverified_client({"libp2p"}), peer(two, {"libp2p"}), "");
    CHECK(shake_hands(loop, pair).server == "TLS handshake: peer did not return a certificate");
  }
  {
    Loop loop;
    const Pair pair(loop, peer(one, {}), server(), "");
    CHECK(shake_hands(loop, pair).client == "fine");  // the caller judges
    CHECK(pair.client->peer_certificate() == site().certificate_der);
    CHECK(pair.server->peer_certificate().empty());
  }
}

TEST_CASE("tls: many bytes, both ways at once") {
  const Buffer there = pattern(5'000'000), back = pattern(3'000'001);
  for (const std::size_t step : {0U, 100'000U, 1000U}) {
    Loop loop;
    const Pair pair = connected(loop, step);
    std::array<std::string, 4> outcomes;
    loop.spawn(note(write_all(*pair.client, there), outcomes[0]));
    loop.spawn(note(write_all(*pair.server, back), outcomes[1]));
    loop.spawn(note(expect_all(*pair.client, back), outcomes[2]));
    loop.spawn(note(expect_all(*pair.server, there), outcomes[3]));
    CHECK(run_until_noted(loop, {outcomes}));
    for (const std::string& outcome : outcomes) CHECK(outcome == "fine");
    CHECK(loop.alive() == 0);
  }
}

TEST_CASE("tls: one byte at a time below") {
  const Buffer bytes = pattern(20'000);
  Loop loop;
  const Pair pair = connected(loop, 1);
  std::array<std::string, 2> outcomes;
  loop.spawn(note(write_all(*pair.client, bytes), outcomes[0]));
  loop.spawn(note(expect_all(*pair.server, bytes), outcomes[1]));
  CHECK(run_until_noted(loop, {outcomes}));
  CHECK(outcomes == std::array<std::string, 2>{"fine", "fine"});
}

TEST_CASE("tls: a write of several parts of any size arrives in order") {
  Loop loop;
  const Pair pair = connected(loop);
  const Buffer bytes = pattern(200'000);
  const Bytes all = bytes;
  const auto write = [](TlsStream& stream, Bytes from) -> Task<Result<>> {
    CO_TRY(co_await stream.write(Bytes(), Bytes()));
    CO_TRY(co_await stream.write(from.first(2), Bytes(), from.subspan(2, 16'383), from.subspan(16'385, 15)));
    CO_TRY(co_await stream.write(from.subspan(16'400, 16'384)));
    CO_TRY(co_await stream.write(from.subspan(32'784, 1), from.subspan(32'785, 60'000), from.subspan(92'785)));
    CO_TRY(co_await stream.end_writing());
    co_return {};
  };
  std::array<std::string, 2> outcomes;
  loop.spawn(note(write(*pair.server, all), outcomes[0]));
  loop.spawn(note(expect_all(*pair.client, all), outcomes[1]));
  CHECK(run_until_noted(loop, {outcomes}));
  CHECK(outcomes == std::array<std::string, 2>{"fine", "fine"});
}

TEST_CASE("tls: half-close: an answer after the question's end; nothing can be written behind the own end") {
  Loop loop;
  const Pair pair = connected(loop);
  const auto ask = [](TlsStream& stream) -> Task<Result<std::string>> {
    CO_TRY(co_await stream.write(as_bytes("question")));
    CO_TRY(co_await stream.end_writing());
    CO_TRY(co_await stream.end_writing());
    CO_TRY(std::string answer, co_await read_to_end(stream));
    const auto more = co_await stream.write(as_bytes("more"));
    co_return answer + ", " + (more ? "fine" : more.error().text());
  };
  const auto answer = [](TlsStream& stream) -> Task<Result<>> {
    CO_TRY(const std::string question, co_await read_to_end(stream));
    CO_TRY(co_await stream.write(as_bytes("answer to "), as_bytes(question)));
    stream.close();
    co_return {};
  };
  std::string answered;
  std::optional<Result<std::string>> got;
  loop.spawn(note(answer(*pair.server), answered));
  loop.spawn(keep(ask(*pair.client), got));
  CHECK(testing::run_until(loop, [&] { return got.has_value() && !answered.empty(); }));
  CHECK(got->value() == "answer to question, write: after the end");
  CHECK(answered == "fine");
}

TEST_CASE("tls: closing and destroying say close_notify") {
  for (const bool destroy : {false, true}) {
    Loop loop;
    Pair pair = connected(loop);
    std::string outcome;
    loop.spawn(note(read_to_end(*pair.client), outcome));
    if (destroy) {
      pair.server.reset();
    } else {
      pair.server->close();
    }
    CHECK(run_until_noted(loop, {one(outcome)}));
    CHECK(outcome == "fine");
  }
}

TEST_CASE("tls: a read and a write that wait end when the stream is closed or destroyed, from the loop") {
  for (const bool destroy : {false, true}) {
    Loop loop;
    Pair pair = connected(loop);
    Buffer buffer(10);
    std::string read, write;
    loop.spawn(note(pair.client->read(buffer), read));
    loop.spawn(note(pair.client->write(large()), write));
    CHECK((read.empty() && write.empty()));
    Timer timer(loop, [&] {
      if (destroy) {
        pair.client.reset();
      } else {
        pair.client->close();
      }
      CHECK((read.empty() && write.empty()));
    });
    timer.start(10ms);
    CHECK(run_until_noted(loop, {one(read), one(write)}));
    CHECK(read == "read: operation canceled");
    CHECK(write == "write: closed");
    CHECK(loop.alive() == 0);
    if (destroy) continue;
    loop.spawn(note(pair.client->read(buffer), read));
    loop.spawn(note(pair.client->write(buffer), write));
    CHECK(read == "read: closed");
    CHECK(write == "write: closed");
  }
}

TEST_CASE("tls: a read gives what comes while a write waits for somebody who does not read") {
  Loop loop;
  const Pair pair = connected(loop);
  std::string write, answer, read;
  Buffer buffer(100);
  loop.spawn(note(pair.client->write(large()), write));
  for (int i = 0; i < 3; ++i) {
    answer.clear();
    read.clear();
    loop.spawn(note(pair.server->write(as_bytes("answer")), answer));
    loop.spawn(note(pair.client->read(buffer), read));
    CHECK(run_until_noted(loop, {one(read), one(answer)}));
    CHECK(as_text(Bytes(buffer).first(6)) == "answer");
  }
  CHECK(write.empty());
}

TEST_CASE("tls: closed or destroyed in the middle of a handshake") {
  for (const bool destroy : {false, true}) {
    Loop loop;
    Pair pair(loop, client(), server(), "site.test");
    Outcome outcome;
    loop.spawn(note(pair.client->handshake(), outcome.client));
    if (destroy) {
      pair.client.reset();
    } else {
      pair.client->close();
    }
    loop.spawn(note(pair.server->handshake(), outcome.server));
    CHECK(run_until_noted(loop, {one(outcome.client), one(outcome.server)}));
    CHECK(outcome.client == "read: operation canceled");
    CHECK(outcome.server.starts_with("TLS handshake: the other side closed"));
    CHECK(loop.alive() == 0);
  }
}

TEST_CASE("tls: a coroutine that is destroyed in a handshake or a write closes; in a read it does not") {
  Loop loop;
  Pair shaking(loop, client(), server(), "site.test");
  const Pair writing = connected(loop), reading = connected(loop);
  Buffer buffer(100);
  std::string outcome;
  {
    Loop inner;  // only destroys the coroutines
    inner.spawn(note(shaking.client->handshake(), outcome));
    inner.spawn(note(writing.client->write(large()), outcome));
    inner.spawn(note(reading.client->read(buffer), outcome));
  }
  CHECK(outcome.empty());
  std::string shaken, written, read, other;
  loop.spawn(note(shaking.client->read(buffer), shaken));
  CHECK(shaken == "read: closed");
  loop.spawn(note(writing.client->write(buffer), written));
  CHECK(written == "write: closed");
  loop.spawn(note(reading.server->write(as_bytes("still there")), other));
  loop.spawn(note(reading.client->read(buffer), read));
  CHECK(run_until_noted(loop, {one(read), one(other)}));
  CHECK(read == "fine");
  CHECK(as_text(Bytes(buffer).first(11)) == "still there");
}

TEST_CASE("tls: a loop that is destroyed ends what shakes hands, reads and writes, and frees it") {
  std::string outcome;
  Buffer buffer(10);
  const auto own = [](Pair pair, std::string& note_of, MutableBytes into) -> Task<> {
    Task<> reading = note(pair.client->read(into), note_of);
    Task<> writing = note(pair.client->write(large()), note_of);
    co_await std::move(writing);
    co_await std::move(reading);
  };
  const auto own_stream = [](std::unique_ptr<TlsStream> stream, std::string& note_of) -> Task<> {
    Task<> shaking = note(stream->handshake(), note_of);
    co_await std::move(shaking);
  };
  {
    Loop loop;
    Pair done = connected(loop);
    Pair not_done(loop, client(), server(), "site.test");
    Pair outside = connected(loop);
    loop.spawn(own(std::move(done), outcome, buffer));
    loop.spawn(own_stream(std::move(not_done.client), outcome));
    loop.spawn(note(outside.client->write(large()), outcome));
    loop.spawn(note(outside.client->read(buffer), outcome));
    Timer timer(loop, [&loop] { loop.stop(); });
    timer.start(5ms);
    loop.run();
    CHECK(outcome.empty());
  }
  CHECK(outcome.empty());
}

TEST_CASE("tls: a coroutine that owns the stream ends by a deadline that closes it") {
  Loop loop;
  Pair pair(loop, client(), server(), "site.test");
  const auto serve = [](Loop& on, std::unique_ptr<TlsStream> stream) -> Task<Result<>> {
    Timer deadline(on, [&stream] { stream->close(); });
    deadline.start(10ms);
    CO_TRY(co_await stream->handshake());
    co_return {};
  };
  const Result<> served = run(loop, serve(loop, std::move(pair.server)));
  CHECK(served.error().text() == "read: operation canceled");
}

TEST_CASE("tls: nothing works before the handshake") {
  Loop loop;
  const Pair pair(loop, client(), server(), "site.test");
  Buffer buffer(10);
  std::string read, write, end;
  loop.spawn(note(pair.client->read(buffer), read));
  loop.spawn(note(pair.client->write(buffer), write));
  loop.spawn(note(pair.client->end_writing(), end));
  CHECK(read == "read: no TLS handshake was made");
  CHECK(write == "write: no TLS handshake was made");
  CHECK(end == "write: no TLS handshake was made");
  CHECK(pair.client->alpn().empty());
  CHECK(pair.client->peer_certificate().empty());
}

TEST_CASE("tls: the context may be gone before the streams") {
  Loop loop;
  std::optional<TlsContext> both[] = {client({"a"}), server({"a"})};
  const Pair pair(loop, *both[0], *both[1], "site.test");
  both[0].reset();
  both[1].reset();
  CHECK(shake_hands(loop, pair).client == "fine");
  CHECK(pair.server->alpn() == "a");
}

TEST_CASE("tls: TLS in TLS") {
  Loop loop;
  Pair outer = connected(loop);
  Pair inner(loop, client(), server(), "site.test");
  inner.client = std::make_unique<TlsStream>(loop, std::move(outer.client), client(), TlsSide::client, "site.test");
  inner.server = std::make_unique<TlsStream>(loop, std::move(outer.server), server(), TlsSide::server);
  CHECK(shake_hands(loop, inner).client == "fine");
  std::array<std::string, 2> outcomes;
  loop.spawn(note(write_all(*inner.client, large()), outcomes[0]));
  loop.spawn(note(expect_all(*inner.server, large()), outcomes[1]));
  CHECK(run_until_noted(loop, {outcomes}));
  CHECK(outcomes == std::array<std::string, 2>{"fine", "fine"});
}

}  // namespace swage::async
