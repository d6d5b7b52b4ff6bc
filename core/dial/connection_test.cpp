#include "core/dial/connection.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/dial/testing.h"  // last, with Catch: its CHECK is the one that counts here

namespace swage::dial::testing {
namespace {

using namespace std::chrono_literals;
using async::testing::Buffer;
using async::testing::pattern;
using async::testing::read_exactly;
namespace yamux = libp2p::yamux;

// Two connections, the ends of one carrier.
struct Ends {
  explicit Ends(Loop& loop, yamux::Limits limits = {}) {
    auto [a, b] = tcp_pair(loop);
    near = std::make_unique<Connection>(loop, std::move(a), yamux::Role::initiator, limits);
    far = std::make_unique<Connection>(loop, std::move(b), yamux::Role::listener, limits);
  }
  std::unique_ptr<Connection> near, far;
};

// One connection, and its carrier's other end.
struct Raw {
  explicit Raw(Loop& loop, yamux::Limits limits = {}) {
    auto [a, b] = tcp_pair(loop);
    near = std::make_unique<Connection>(loop, std::move(a), yamux::Role::initiator, limits);
    far = std::move(b);
  }
  std::unique_ptr<Connection> near;
  std::unique_ptr<Stream> far;
};

// A stream opened by one side without a negotiation: Connection::open() does that, so both ends do it here.
Task<Result<bool>> send_all(Stream& stream, Buffer bytes) {
  CO_TRY(co_await stream.write(bytes));
  co_return true;
}

Task<Result<bool>> expect_all(Stream& stream, Buffer expected) {
  Buffer got(expected.size());
  CO_TRY(co_await read_exactly(stream, got));
  co_return got == expected;
}

Task<Result<std::unique_ptr<Stream>>> accept(Connection& connection) {
  CO_TRY(auto substream, co_await connection.accept());
  auto stream = std::make_unique<PushbackStream>(std::move(substream));
  std::vector<std::string> protocols;
  protocols.emplace_back("/test");
  CO_TRY(co_await select(*stream, Side::listener, std::move(protocols)));
  co_return std::unique_ptr<Stream>(std::move(stream));
}

using StreamResult = Result<std::unique_ptr<Stream>>;

struct Streams {
  Streams(Loop& loop, Ends& ends) {
    Together both(loop);
    both.add(ends.near->open("/test"), opened);
    both.add(accept(*ends.far), accepted);
    both.run();
    REQUIRE((opened.has_value() && accepted.has_value()));
    REQUIRE((opened->has_value() && accepted->has_value()));
  }
  [[nodiscard]] Stream& near() { return ***opened; }
  [[nodiscard]] Stream& far() { return ***accepted; }
  std::optional<StreamResult> opened, accepted;
};

Task<Result<std::size_t>> read_some(Stream& stream) {
  Buffer buffer(100);
  co_return co_await stream.read(buffer);
}

std::string text_of(const Result<std::size_t>& got) { return got ? std::to_string(*got) : got.error().text(); }

}  // namespace

TEST_CASE("connection: 3 MB on each of 3 streams, both ways at once") {
  Loop loop;
  Ends ends(loop);
  std::vector<std::unique_ptr<Streams>> streams;
  for (int i = 0; i < 3; ++i) streams.push_back(std::make_unique<Streams>(loop, ends));
  const Buffer bytes = pattern(3'000'000);
  std::vector<std::optional<Result<bool>>> results(12);
  Together all(loop);
  for (std::size_t i = 0; i < 3; ++i) {
    all.add(send_all(streams[i]->near(), bytes), results[4 * i]);
    all.add(send_all(streams[i]->far(), bytes), results[4 * i + 1]);
    all.add(expect_all(streams[i]->near(), bytes), results[4 * i + 2]);
    all.add(expect_all(streams[i]->far(), bytes), results[4 * i + 3]);
  }
  all.run();
  for (const auto& result : results) CHECK((result.has_value() && result->has_value() && **result));
}

TEST_CASE("connection: the end of a stream, its reset, the end of the connection") {
  Loop loop;
  Ends ends(loop);
  SECTION("closed: what was written arrives, then the end") {
    Streams streams(loop, ends);
    CHECK(run(loop, send_all(streams.near(), pattern(1000))));
    streams.near().close();
    CHECK(run(loop, expect_all(streams.far(), pattern(1000))));
    CHECK(text_of(run(loop, read_some(streams.far()))) == "0");
    CHECK(text_of(run(loop, read_some(streams.far()))) == "0");
    CHECK(text_of(run(loop, read_some(streams.near()))) == "the stream was closed");
    CHECK_FALSE(run(loop, send_all(streams.near(), pattern(1))));
    streams.far().close();
  }
  SECTION("closed while somebody writes to it: reset") {
    Streams streams(loop, ends);
    streams.near().close();
    CHECK(text_of(run(loop, read_some(streams.far()))) == "0");
    const auto write_for_ever = [](Stream& stream) -> Task<Result<bool>> {
      const Buffer bytes = pattern(10'000);
      for (;;) CO_TRY(co_await stream.write(bytes));
    };
    CHECK_FALSE(run(loop, write_for_ever(streams.far())));
  }
  SECTION("destroyed while somebody reads") {
    Streams streams(loop, ends);
    std::optional<Result<std::size_t>> near, far;
    Together both(loop);
    both.add(read_some(streams.near()), near);
    both.add(read_some(streams.far()), far);
    streams.opened.reset();
    both.run();
    CHECK(text_of(*near) == "the stream was closed");
    CHECK(text_of(*far) == "0");
  }
  SECTION("the connection is destroyed while they read, write and wait") {
    Streams streams(loop, ends);
    std::optional<Result<std::size_t>> near, far;
    std::optional<Result<bool>> written;
    Together all(loop);
    all.add(read_some(streams.near()), near);
    all.add(read_some(streams.far()), far);
    all.add(send_all(streams.near(), pattern(5'000'000)), written);
    async::Timer end(loop, [&] { ends.near.reset(); });
    end.start(10ms);
    // Reads until it is over.
    const auto drain = [](Stream& stream) -> Task<Result<std::size_t>> {
      Buffer buffer(1000);
      for (;;) CO_TRY(co_await stream.read(buffer));
    };
    std::optional<Result<std::size_t>> drained;
    all.run();
    CHECK(text_of(*near) == "the connection was closed");
    CHECK((*far).has_value());
    CHECK_FALSE(*written);
    CHECK_FALSE(run(loop, drain(streams.far())));
    CHECK(ends.far->over().is_set());
    CHECK_FALSE(run(loop, ends.far->accept()));
    CHECK_FALSE(run(loop, ends.far->open("/test")));
  }
  SECTION("finish: everything arrives") {
    Streams streams(loop, ends);
    std::optional<Result<bool>> sent, got;
    Together both(loop);
    both.add(send_all(streams.near(), pattern(100'000)), sent);
    both.add(expect_all(streams.far(), pattern(100'000)), got);
    both.run();
    const auto finish = [](Connection& connection) -> Task<bool> {
      co_await connection.finish(1s);
      co_return connection.over().is_set();
    };
    CHECK(run(loop, finish(*ends.near)));
    CHECK((*sent && *got && **got));
    CHECK_FALSE(run(loop, ends.far->accept()));
  }
}

TEST_CASE("connection: what the other side says is bounded, and answered with go away where it is wrong") {
  using Frames = std::vector<yamux::Header>;
  struct Case {
    const char* name;
    std::string bytes;
    std::uint32_t reason;  // of go away
  };
  const auto frames = [](const Frames& headers) {
    std::vector<std::uint8_t> bytes;
    for (const yamux::Header& header : headers) append_header(bytes, header);
    return std::string(bytes.begin(), bytes.end());
  };
  using enum yamux::Type;
  const std::vector<Case> cases = {
      {"garbage", std::string(100, 'x'), 1},
      {"version", std::string("\x01\0\0\0\0\0\0\0\0\0\0\0", 12), 1},
      {"our number", frames({{data, yamux::kSyn, 1, 0}}), 1},
      {"twice", frames({{data, yamux::kSyn, 2, 0}, {data, yamux::kSyn, 2, 0}}), 1},
      {"a window too far", frames({{data, yamux::kSyn, 2, 300'000}}), 1},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    Loop loop;
    Raw raw(loop);
    const auto say = [](Stream& stream, std::string bytes) -> Task<Result<std::string>> {
      CO_TRY(co_await stream.write(as_bytes(bytes)));
      co_return co_await async::testing::read_to_end(stream);
    };
    const auto answer = run(loop, say(*raw.far, each.bytes));
    REQUIRE(answer.has_value());
    REQUIRE(answer->size() >= 12);
    const auto last = yamux::parse_header(as_bytes(*answer).last(12));
    REQUIRE(last.has_value());
    CHECK(last->type == go_away);
    CHECK(last->length == each.reason);
    CHECK(raw.near->over().is_set());
  }
}

TEST_CASE("connection: streams beyond the limit are reset, the others are not touched") {
  Loop loop;
  yamux::Limits limits;
  limits.inbound_streams = 2;
  Raw raw(loop, limits);
  std::vector<std::uint8_t> bytes;
  for (std::uint32_t id = 2; id <= 10; id += 2) yamux::append_header(bytes, {yamux::Type::data, yamux::kSyn, id, 0});
  const auto say = [](Stream& stream, Buffer what, std::size_t answer) -> Task<Result<Buffer>> {
    CO_TRY(co_await stream.write(what));
    Buffer got(answer);
    CO_TRY(co_await read_exactly(stream, got));
    co_return got;
  };
  const auto answer = run(loop, say(*raw.far, bytes, 3 * yamux::kHeaderSize));
  REQUIRE(answer.has_value());
  for (std::size_t i = 0; i < 3; ++i) {
    const auto header = yamux::parse_header(Bytes(*answer).subspan(i * yamux::kHeaderSize, yamux::kHeaderSize));
    CHECK((header && header->has(yamux::kRst) && header->stream == 6 + 2 * i));
  }
  CHECK(raw.near->streams() == 2);
}

TEST_CASE("services: identify and ping; what is not there is not available") {
  Loop loop;
  Ends ends(loop);
  Services services;
  services.ping = true;
  services.patience = 100ms;
  async::Tasks serving;
  serving.start(serve(loop, *ends.far, services));
  CHECK_FALSE(run(loop, ask_identity(*ends.near)));

  auto ping = run(loop, ends.near->open(std::string(kPing)));
  REQUIRE(ping.has_value());
  for (int i = 0; i < 3; ++i) {
    CHECK(run(loop, send_all(**ping, pattern(32))));
    CHECK(run(loop, expect_all(**ping, pattern(32))));
  }
  CHECK_FALSE(run(loop, ends.near->open("/nothing")));
  // Who says no more is dropped.
  CHECK(text_of(run(loop, read_some(**ping))) == "0");
  CHECK(ends.far->streams() <= 1);
}

}  // namespace swage::dial::testing
