#include "core/async/tcp.h"

#include <fcntl.h>
#include <netinet/tcp.h>

#include <string>
#include <thread>
#include <vector>

#include "core/async/event.h"
#include "core/async/testing.h"

namespace swage::async {

using namespace std::chrono_literals;
using testing::Connection;
using testing::run;
using Buffer = std::vector<std::uint8_t>;

namespace {

Buffer pattern(std::size_t size) {
  Buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
  return bytes;
}

// Writes back what it reads, until the end.
Task<Result<>> echo(std::unique_ptr<TcpStream> stream) {
  Buffer buffer(4096);
  for (;;) {
    CO_TRY(const std::size_t size, co_await stream->read(buffer));
    if (size == 0) co_return {};
    CO_TRY(co_await stream->write(Bytes(buffer).first(size)));
  }
}

Task<Result<>> read_all(Stream& stream, MutableBytes into) {
  while (!into.empty()) {
    CO_TRY(const std::size_t size, co_await stream.read(into));
    if (size == 0) co_return fail("the end, {} bytes early", into.size());
    into = into.subspan(size);
  }
  co_return {};
}

Task<Result<>> write_then_end(TcpStream& stream, Bytes bytes) {
  CO_TRY(co_await stream.write(bytes));
  stream.end_writing();
  co_return {};
}

// What ended a read or write that waited, or what it gave.
template <typename T>
Task<> note(Task<Result<T>> task, std::string& outcome) {
  const Result<T> result = co_await std::move(task);
  outcome = result ? "fine" : result.error().text();
}

// Larger than the sockets' buffers: a write of this has to wait.
const Buffer& large() {
  static const Buffer bytes(32U << 20U);
  return bytes;
}

Task<Result<>> ask_echo(Loop& loop, Endpoint server, std::size_t size) {
  const Buffer sent = pattern(size);
  TcpStream stream(loop);
  CO_TRY(co_await stream.connect(server));
  std::string written;
  loop.spawn(note(write_then_end(stream, sent), written));
  Buffer back(size);
  CO_TRY(co_await read_all(stream, back));
  Buffer more(1);
  CO_TRY(const std::size_t end, co_await stream.read(more));
  if (end != 0 || back != sent || written != "fine") co_return fail("not what was sent: {}", written);
  CO_TRY(const std::size_t end_again, co_await stream.read(more));
  if (end_again != 0) co_return fail("more after the end");
  co_return {};
}

}  // namespace

TEST_CASE("tcp: echo of many sizes") {
  Loop loop;
  auto listener =
      TcpListener::listen(loop, testing::loopback(), [&loop](auto stream) { loop.spawn(echo(std::move(stream))); });
  REQUIRE(listener);
  const Endpoint server = (*listener)->local();
  const auto all = [](Loop& on, TcpListener& accepting, Endpoint at) -> Task<Result<>> {
    const std::vector<std::size_t> sizes = {0, 1, 2, 511, 4095, 4096, 4097, 65'535, 65'536, 1'000'000, 20'000'000};
    for (const std::size_t size : sizes) CO_TRY(co_await ask_echo(on, at, size));
    accepting.close();
    co_return {};
  };
  const Result<> result = run(loop, all(loop, **listener, server));
  CHECK((result ? "" : result.error().text()) == "");
  CHECK(loop.alive() == 0);
}

TEST_CASE("tcp: 200 connections at a time") {
  Loop loop;
  int left = 200;
  auto listener =
      TcpListener::listen(loop, testing::loopback(), [&loop](auto stream) { loop.spawn(echo(std::move(stream))); });
  REQUIRE(listener);
  const auto one = [](Loop& on, TcpListener& accepting, int& count) -> Task<Result<>> {
    CO_TRY(co_await ask_echo(on, accepting.local(), 10'000));
    if (--count == 0) accepting.close();
    co_return {};
  };
  for (int i = 0; i < 200; ++i) loop.spawn(one(loop, **listener, left));
  loop.run();
  CHECK(left == 0);
}

TEST_CASE("tcp: over IPv6") {
  Loop loop;
  const Endpoint at{*IpAddress::parse("::1"), 0, 0};
  auto listener = TcpListener::listen(loop, at, [&loop](auto stream) { loop.spawn(echo(std::move(stream))); });
  if (!listener) return;  // a machine without IPv6
  Timer timer(loop, [&listener] { (*listener)->close(); });
  timer.start(50ms);
  CHECK(run(loop, ask_echo(loop, (*listener)->local(), 1000)));
}

TEST_CASE("tcp: both sides know their addresses, the other's also when closed") {
  Loop loop;
  const Connection connection(loop);
  TcpStream& stream = *connection.stream;
  sockaddr_storage address;
  socklen_t size = sizeof address;
  auto* name = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(getpeername(connection.other, name, &size) == 0);
  CHECK(stream.local() == Endpoint::from_sockaddr(name));
  REQUIRE(getsockname(connection.other, name, &size) == 0);
  stream.close();
  CHECK(stream.peer() == Endpoint::from_sockaddr(name));
}

TEST_CASE("tcp: a write of several pieces, empty ones among them, arrives in order") {
  Loop loop;
  const Connection connection(loop);
  const Buffer body = pattern(3'000'000);
  const auto write = [](TcpStream& stream, const Buffer& bytes) -> Task<Result<>> {
    const Bytes all = bytes;
    CO_TRY(co_await stream.write(Bytes(), Bytes()));
    CO_TRY(co_await stream.write(all.first(2), Bytes(), all.subspan(2, 10), all.subspan(12)));
    CO_TRY(co_await stream.write(bytes));
    stream.close();
    co_return {};
  };
  Buffer got;
  std::thread reader([&] {
    Buffer buffer(10'000);
    for (ssize_t size; (size = ::read(connection.other, buffer.data(), buffer.size())) > 0;) {
      got.insert(got.end(), buffer.begin(), buffer.begin() + size);
    }
  });
  const Result<> written = run(loop, write(*connection.stream, body));
  reader.join();
  CHECK(written);
  Buffer twice = body;
  twice.insert(twice.end(), body.begin(), body.end());
  CHECK(got == twice);
}

TEST_CASE("tcp: half-close: we answer after the other side's end") {
  Loop loop;
  const Connection connection(loop);
  REQUIRE(::write(connection.other, "question", 8) == 8);
  REQUIRE(shutdown(connection.other, SHUT_WR) == 0);
  const auto answer = [](TcpStream& stream) -> Task<Result<std::string>> {
    Buffer buffer(100);
    std::string question;
    for (;;) {
      CO_TRY(const std::size_t size, co_await stream.read(buffer));
      if (size == 0) break;
      question += as_text(Bytes(buffer).first(size));
    }
    CO_TRY(co_await stream.write(as_bytes("answer")));
    stream.close();
    co_return question;
  };
  const auto question = run(loop, answer(*connection.stream));
  CHECK(question.value() == "question");
  char got[10];
  CHECK(::read(connection.other, got, sizeof got) == 6);
  CHECK(::read(connection.other, got, sizeof got) == 0);
}

TEST_CASE("tcp: nothing is read while nobody reads, and nothing is lost") {
  Loop loop;
  const Connection connection(loop);
  REQUIRE(::write(connection.other, "1", 1) == 1);
  const auto read_slowly = [](Loop& on, Stream& stream, int other) -> Task<Result<std::string>> {
    std::string all;
    Buffer byte(1);
    CO_TRY(co_await stream.read(byte));
    all += as_text(byte);
    if (::write(other, "23", 2) != 2) co_return fail("write");
    co_await sleep(on, 20ms);
    for (int i = 0; i < 2; ++i) {
      CO_TRY(co_await stream.read(byte));
      all += as_text(byte);
    }
    shutdown(other, SHUT_WR);
    co_await sleep(on, 20ms);
    CO_TRY(const std::size_t end, co_await stream.read(byte));
    co_return all + std::to_string(end);
  };
  CHECK(run(loop, read_slowly(loop, *connection.stream, connection.other)).value() == "1230");
}

TEST_CASE("tcp: the other side closes: a read ends") {
  Loop loop;
  Connection connection(loop);
  Buffer buffer(10);
  std::string outcome;
  Timer timer(loop, [&connection] { connection.close_other(); });
  timer.start(5ms);
  loop.spawn(note(connection.stream->read(buffer), outcome));
  loop.run();
  CHECK(outcome == "fine");
}

TEST_CASE("tcp: the other side resets: a read and a write that wait fail, and those after") {
  Loop loop;
  Connection connection(loop);
  Buffer buffer(10);
  std::string read, write, after;
  loop.spawn(note(connection.stream->read(buffer), read));
  loop.spawn(note(connection.stream->write(large()), write));
  Timer timer(loop, [&connection] {
    const linger at_once{1, 0};
    REQUIRE(setsockopt(connection.other, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    connection.close_other();
  });
  timer.start(5ms);
  loop.run();
  CHECK(read == "read: connection reset by peer");
  CHECK(write.starts_with("write: "));
  loop.spawn(note(connection.stream->read(buffer), after));
  loop.run();
  CHECK(after.starts_with("read: "));
  loop.spawn(note(connection.stream->write(buffer), after));
  loop.run();
  CHECK(after.starts_with("write: "));
}

TEST_CASE("tcp: the other side does not read: a write waits; closing ends it, and a read") {
  Loop loop;
  const Connection connection(loop);
  Buffer buffer(10);
  std::string read, write;
  loop.spawn(note(connection.stream->read(buffer), read));
  loop.spawn(note(connection.stream->write(large()), write));
  bool waited = false;
  Timer deadline(loop, [&] {
    waited = read.empty() && write.empty();
    connection.stream->close();
    CHECK((read.empty() && write.empty()));  // they go on from the loop
  });
  deadline.start(20ms);
  loop.run();
  CHECK(waited);
  CHECK(read == "read: operation canceled");
  CHECK(write == "write: operation canceled");
}

TEST_CASE("tcp: a write that waited ends when the other side reads") {
  Loop loop;
  const Connection connection(loop);
  std::string write;
  loop.spawn(note(connection.stream->write(as_bytes("head"), large()), write));
  CHECK(write.empty());
  std::size_t got = 0;
  std::thread reader([&] {
    Buffer buffer(1U << 16U);
    while (got < 4 + large().size())
      got += static_cast<std::size_t>(::read(connection.other, buffer.data(), 1U << 16U));
  });
  loop.run();
  reader.join();
  CHECK(write == "fine");
  CHECK(got == 4 + large().size());
}

TEST_CASE("tcp: destroying a stream ends the read and the write that wait") {
  Loop loop;
  Connection connection(loop);
  Buffer buffer(10);
  std::string read, write;
  loop.spawn(note(connection.stream->read(buffer), read));
  loop.spawn(note(connection.stream->write(large()), write));
  connection.stream.reset();
  CHECK(loop.alive() == 2);
  loop.run();
  CHECK(loop.alive() == 0);
  CHECK(read == "read: operation canceled");
  CHECK(write == "write: operation canceled");
}

TEST_CASE("tcp: a closed stream fails at once; closing again is nothing") {
  Loop loop;
  const Connection connection(loop);
  connection.stream->close();
  connection.stream->close();
  Buffer buffer(10);
  std::string read, write, connect;
  loop.spawn(note(connection.stream->read(buffer), read));
  loop.spawn(note(connection.stream->write(buffer), write));
  loop.spawn(note(connection.stream->connect(testing::loopback(1)), connect));
  CHECK(read == "read: closed");
  CHECK(write == "write: closed");
  CHECK(connect == "connect to 127.0.0.1:1: closed");
}

TEST_CASE("tcp: the other side is told at once of a close that resets, with and without a read that waits") {
  for (const bool reads : {false, true}) {
    for (const bool half_closed : {false, true}) {
      Loop loop;
      Connection connection(loop);
      Buffer into(1);
      std::string outcome;
      connection.stream->reset_when_closed();
      if (half_closed) connection.stream->end_writing();
      if (reads) loop.spawn(note(connection.stream->read(into), outcome));
      connection.stream->close();
      connection.stream->reset_when_closed();  // is nothing by now
      loop.run();
      CHECK(outcome == (reads ? "read: operation canceled" : ""));
      int error = 0;
      socklen_t size = sizeof error;
      CHECK(getsockopt(connection.other, SOL_SOCKET, SO_ERROR, &error, &size) == 0);
      CHECK(error == (half_closed ? EPIPE : ECONNRESET));
    }
  }
}

TEST_CASE("tcp: a coroutine that owns the stream ends by a deadline that closes it") {
  Loop loop;
  Connection connection(loop);
  const auto serve = [](Loop& on, std::unique_ptr<TcpStream> stream) -> Task<Result<>> {
    Timer deadline(on, [&stream] { stream->close(); });
    deadline.start(10ms);
    Buffer buffer(10);
    CO_TRY(co_await stream->read(buffer));
    co_return {};
  };
  const Result<> served = run(loop, serve(loop, std::move(connection.stream)));
  REQUIRE_FALSE(served);
  CHECK(served.error().text() == "read: operation canceled");
  char byte;
  CHECK(::read(connection.other, &byte, 1) == 0);
}

TEST_CASE("tcp: a loop that is destroyed ends what reads, writes, connects, and frees it") {
  std::string read, write;
  const Buffer& bytes = large();
  Buffer buffer(10);
  const auto own = [](std::unique_ptr<TcpStream> stream, std::string& r, std::string& w, Bytes out,
                      MutableBytes in) -> Task<> {
    TcpStream& both = *stream;
    Task<> reading = note(both.read(in), r);
    Task<> writing = note(both.write(out), w);
    co_await std::move(writing);
    co_await std::move(reading);
  };
  {
    Loop loop;
    Connection connection(loop);
    loop.spawn(own(std::move(connection.stream), read, write, bytes, buffer));
    Connection another(loop);
    loop.spawn(note(another.stream->read(buffer), read));
    loop.stop();
    loop.run();
    CHECK(loop.alive() == 2);
  }
  CHECK(read.empty());
  CHECK(write.empty());
}

TEST_CASE("tcp: a coroutine that is destroyed while it writes closes the stream; while it reads, it does not") {
  Loop loop;
  Connection reading(loop);
  Connection writing(loop);
  Buffer buffer(10);
  {
    Loop inner;  // only destroys the coroutines
    std::string outcome;
    inner.spawn(note(reading.stream->read(buffer), outcome));
    inner.spawn(note(writing.stream->write(large()), outcome));
  }
  std::string read, write;
  loop.spawn(note(writing.stream->write(buffer), write));
  CHECK(write == "write: closed");
  REQUIRE(::write(reading.other, "x", 1) == 1);
  loop.spawn(note(reading.stream->read(buffer), read));
  Timer timer(loop, [&reading] { reading.stream->close(); });
  timer.start(20ms);
  loop.run();
  CHECK(read == "fine");
  CHECK(buffer[0] == 'x');
}

TEST_CASE("tcp: connecting to a port that nobody has fails") {
  Loop loop;
  const auto [listener, at] = testing::listening_socket();
  ::close(listener);
  TcpStream stream(loop);
  const Result<> connected = run(loop, stream.connect(at));
  REQUIRE_FALSE(connected);
  CHECK(connected.error().text() == "connect to " + at.to_string() + ": connection refused");
}

TEST_CASE("tcp: closing ends a connect that waits") {
  Loop loop;
  // Linux drops connection requests while the backlog is full.
  const auto [listener, at] = testing::listening_socket(0);
  std::vector<int> others;
  for (int i = 0; i < 4; ++i) others.push_back(testing::client_socket(at, SOCK_NONBLOCK));
  std::string outcome;
  TcpStream stream(loop);
  loop.spawn(note(stream.connect(at), outcome));
  Timer deadline(loop, [&stream] { stream.close(); });
  deadline.start(20ms);
  loop.run();
  CHECK(outcome == "connect to " + at.to_string() + ": operation canceled");
  others.push_back(listener);
  for (const int fd : others) ::close(fd);
}

TEST_CASE("tcp: a stream that was never connected") {
  Loop loop;
  TcpStream stream(loop);
  Buffer buffer(10);
  std::string read, write;
  loop.spawn(note(stream.read(buffer), read));
  loop.spawn(note(stream.write(buffer), write));
  CHECK(read == "read: socket is not connected");
  CHECK(write.starts_with("write: "));
}

TEST_CASE("tcp: adopting what is no connection fails and closes it") {
  Loop loop;
  const auto [listener, at] = testing::listening_socket();
  CHECK_FALSE(TcpStream::adopt(loop, listener));
  CHECK(fcntl(listener, F_GETFD) == -1);
}

TEST_CASE("tcp: a socket without TCP_NODELAY gets it") {
  Loop loop;
  const auto [listener, at] = testing::listening_socket();
  const int client = testing::client_socket(at);
  const int accepted = accept(listener, nullptr, nullptr);
  const auto stream = TcpStream::adopt(loop, accepted);
  REQUIRE(stream);
  int on = 0;
  socklen_t size = sizeof on;
  REQUIRE(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0);
  CHECK(on == 1);
  ::close(client);
  ::close(listener);
}

}  // namespace swage::async
