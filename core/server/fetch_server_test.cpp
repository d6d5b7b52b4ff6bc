// The service process's end of the lines: the test plays the dns processes.
#include "core/server/fetch_server.h"

#include <sys/socket.h>

#include <set>

#include <fmt/format.h>

#include "tests/support/log_capture.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::server;
using namespace std::chrono_literals;
using Kind = FetchMessage::Kind;

struct Bench {
  Bench() {
    for (const char* const name : {"one", "two"}) {
      fetches.push_back(std::make_unique<Fetch>(name, static_cast<std::uint16_t>(fetches.size() + 1)));
    }
    server.emplace(loop, Fetch::By::service, Fetches(fetches), registry);
  }

  // Lets the server do all that it has to do now.
  void turn() {
    async::Timer later(loop, [this] { loop.stop(); });
    later.start(5ms);
    loop.run();
  }
  // A dns process's end of a new line.
  FetchLine line() {
    auto ends = FetchLine::pair();
    REQUIRE(ends);
    server->add({.worker = 3, .socket = std::move(ends->first)});
    return FetchLine(std::move(ends->second));
  }
  void collect(Fetch& fetch) {
    fetch.on_wanted([this](const std::string& key) { wanted.push_back(key); });
  }

  async::Loop loop;
  std::vector<std::unique_ptr<Fetch>> fetches;
  metrics::Registry registry;
  std::optional<FetchServer> server;
  std::vector<std::string> wanted;
};

bool say(const FetchLine& line, std::vector<FetchMessage> messages) {
  FetchPacket packet;
  for (const FetchMessage& each : messages) REQUIRE(packet.add(each));
  return line.send(packet.bytes());
}

// "settled 1, failed 2"; "gone" where the line was closed.
std::string heard(const FetchLine& line) {
  std::vector<std::uint8_t> buffer(FetchPacket::kMaxSize);
  std::string text;
  while (true) {
    const Result<Bytes> packet = line.receive(buffer);
    if (!packet) return "gone";
    if (packet->empty()) return text;
    REQUIRE(read_fetch_packet(*packet, [&](const FetchMessage& each) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ",
                          each.kind == Kind::settled    ? "settled"
                          : each.kind == Kind::answered ? fmt::format("{}:", as_text(each.key))
                                                        : "failed",
                          each.ticket);
      return true;
    }));
  }
}

FetchMessage want(std::uint32_t ticket, std::string_view key, std::uint16_t fetch = 1, std::uint64_t network = 1) {
  return {Kind::want, ticket, fetch, network, as_bytes(key)};
}

}  // namespace

TEST_CASE("fetch server: a key that many want is fetched once, and all of them hear of it") {
  Bench bench;
  bench.collect(*bench.fetches[0]);
  const FetchLine first = bench.line(), second = bench.line();
  CHECK(say(first, {want(1, "a"), want(2, "b"), want(3, "a")}));
  bench.turn();
  CHECK(say(second, {want(1, "a"), want(9, "a", 2)}));
  bench.turn();
  CHECK(bench.wanted == std::vector<std::string>{"a", "b"});
  bench.fetches[0]->settled("a");
  bench.fetches[0]->failed("b");
  bench.fetches[0]->settled("nobody wants it");
  bench.turn();
  CHECK(heard(first) == "settled 1, settled 3, failed 2");
  CHECK(heard(second) == "settled 1");
  CHECK(say(first, {want(1, "a")}));  // again
  bench.turn();
  CHECK(bench.wanted == std::vector<std::string>{"a", "b", "a"});
}

TEST_CASE("fetch server: what another process fetches is not for this one to be wanted of") {
  Bench bench;
  bench.collect(*bench.fetches[1]);
  bench.fetches[1]->set_by(Fetch::By::fetch);
  const tests::LogCapture log;
  const FetchLine line = bench.line();
  CHECK(say(line, {want(1, "a", 2)}));
  bench.turn();
  CHECK(bench.wanted.empty());
  CHECK(heard(line) == "gone");
}

TEST_CASE("fetch server: what is wanted before somebody takes it waits for that") {
  Bench bench;
  const FetchLine line = bench.line();
  CHECK(say(line, {want(1, "a"), want(2, "b")}));
  bench.turn();
  bench.fetches[0]->on_wanted([&](const std::string& key) {
    bench.wanted.push_back(key);
    bench.fetches[0]->settled("a");  // more than was asked for
    bench.fetches[0]->settled("b");
  });
  bench.turn();
  CHECK(bench.wanted == std::vector<std::string>{"a"});
  CHECK(heard(line) == "settled 1, settled 2");
  // Another one takes over, with what is not settled.
  bench.collect(*bench.fetches[1]);
  CHECK(say(line, {want(3, "c", 2)}));
  bench.turn();
  bench.wanted.clear();
  bench.collect(*bench.fetches[1]);
  CHECK(bench.wanted == std::vector<std::string>{"c"});
}

TEST_CASE("fetch server: what is forgotten is not answered, and fetched once all the same") {
  Bench bench;
  bench.collect(*bench.fetches[0]);
  const FetchLine line = bench.line();
  CHECK(say(line, {want(1, "a"), {Kind::forget, 1}, {Kind::forget, 77}, want(2, "a")}));
  bench.turn();
  CHECK(bench.wanted == std::vector<std::string>{"a"});
  bench.fetches[0]->settled("a");
  bench.turn();
  CHECK(heard(line) == "settled 2");
}

TEST_CASE("fetch server: a dns process that says what is not for it to say loses its line, and no other one") {
  struct Case {
    const char* what;
    std::vector<FetchMessage> says;
  };
  const std::vector<Case> cases = {{"a fetch that there is not", {want(1, "a", 3)}},
                                   {"no fetch", {want(1, "a", 0)}},
                                   {"a ticket twice", {want(1, "a"), want(1, "b")}},
                                   {"an answer", {{Kind::settled, 1}}},
                                   {"another answer", {{Kind::failed, 1}}}};
  Bench bench;
  bench.collect(*bench.fetches[0]);
  const FetchLine other = bench.line();
  CHECK(say(other, {want(1, "a")}));
  bench.turn();
  for (const Case& each : cases) {
    INFO(each.what);
    tests::LogCapture log;
    const FetchLine line = bench.line();
    CHECK(say(line, {want(7, "a")}));
    CHECK(say(line, each.says));
    bench.turn();
    CHECK(heard(line) == "gone");
    CHECK(log.take().find("dns 3: it wants what is not for it to want") != std::string::npos);
  }
  const FetchLine line = bench.line();
  CHECK(line.send(as_bytes("nonsense")));
  bench.turn();
  CHECK(heard(line) == "gone");
  const FetchLine long_winded = bench.line();
  CHECK(long_winded.send(std::vector<std::uint8_t>(FetchPacket::kMaxSize + 1, 1)));
  bench.turn();
  CHECK(heard(long_winded) == "gone");
  bench.fetches[0]->settled("a");
  bench.turn();
  CHECK(heard(other) == "settled 1");
}

TEST_CASE("fetch server: a dns process has a bounded number of tickets, and a bounded number of keys is fetched") {
  Bench bench;
  bench.collect(*bench.fetches[0]);
  const FetchLine line = bench.line(), other = bench.line();
  const auto say_patiently = [&](const FetchPacket& packet) {
    while (!line.send(packet.bytes())) bench.turn();
  };
  // As many tickets as there may be, of as many networks, given back again and again, and none settled.
  std::uint32_t ticket = 0;
  for (int round = 0; round < 6; ++round) {
    for (std::size_t i = 0; i < FetchServer::kMaxTickets; i += 256) {
      FetchPacket packet;
      for (std::size_t j = 0; j < 256; ++j) {
        ++ticket;
        REQUIRE(packet.add(want(ticket, "key " + std::to_string(ticket), 1, ticket)));
        if (round < 5) REQUIRE(packet.add({Kind::forget, ticket}));
      }
      say_patiently(packet);
    }
  }
  bench.turn();
  bench.turn();
  CHECK(bench.wanted.size() <= Fetch::kUsualMost);
  CHECK(bench.wanted.size() > Fetch::kUsualMost * 3 / 4);
  CHECK(heard(line).empty());
  FetchPacket packet;
  REQUIRE(packet.add(want(++ticket, "one too many")));
  say_patiently(packet);
  bench.turn();
  CHECK(heard(line) == "gone");
  CHECK(bench.server->has_lines());
}

TEST_CASE("fetch server: a network that floods, by whatever lines, keeps no other one waiting") {
  Bench bench;
  bench.fetches[0]->fetch_at_most(8);
  bench.collect(*bench.fetches[0]);
  const FetchLine first = bench.line(), second = bench.line();
  for (std::uint32_t i = 1; i <= 20; ++i) {
    const std::string key = fmt::format("flood {}", i);
    CHECK(say(i % 2 == 0 ? first : second, {want(i, key)}));
  }
  bench.turn();
  CHECK(bench.wanted.size() == 4);
  CHECK(say(second, {want(30, "a", 1, 2), want(31, "b", 1, 2), want(32, "c", 1, 2)}));
  bench.turn();
  CHECK(std::vector(bench.wanted.begin() + 4, bench.wanted.end()) == std::vector<std::string>{"a", "b"});
  // What the one that floods has asked for already, and waits for, is fetched because another one wants it.
  const auto waits = [&](const std::string& key) { return std::ranges::find(bench.wanted, key) == bench.wanted.end(); };
  REQUIRE(waits("flood 20"));
  CHECK(say(first, {want(40, "flood 20", 1, 3)}));
  bench.turn();
  CHECK_FALSE(waits("flood 20"));
  // A place that is free is for who has fewest.
  bench.fetches[0]->settled(bench.wanted[0]);
  bench.fetches[0]->settled("a");
  CHECK(bench.wanted.back() == "c");
  bench.fetches[0]->settled("b");
  bench.fetches[0]->settled("c");
  const std::size_t before = bench.wanted.size();
  CHECK(before == 9);  // the flood's share is what it was
  // What is no longer wanted loses its turn.
  for (std::uint32_t i = 1; i <= 20; ++i) CHECK(say(i % 2 == 0 ? first : second, {{Kind::forget, i}}));
  bench.turn();
  for (const std::string& key : std::vector(bench.wanted)) bench.fetches[0]->settled(key);
  CHECK(bench.wanted.size() == before);
}

TEST_CASE("fetch server: what is beyond what may be wanted is refused, and does not wait") {
  Bench bench;
  std::vector<std::string> refused;
  bench.fetches[0]->fetch_at_most(2);
  bench.fetches[0]->refuse_beyond(3, [&](const std::string& key) {
    refused.push_back(key);
    bench.fetches[0]->settled(key);
  });
  bench.collect(*bench.fetches[0]);
  const FetchLine line = bench.line();
  CHECK(say(line, {want(1, "a"), want(2, "b"), want(3, "c"), want(4, "d"), want(5, "b")}));
  bench.turn();
  CHECK(bench.wanted == std::vector<std::string>{"a"});
  CHECK(refused == std::vector<std::string>{"d"});
  CHECK(heard(line) == "settled 4");
  bench.fetches[0]->settled("a");
  bench.turn();
  CHECK(bench.wanted == std::vector<std::string>{"a", "b"});
  CHECK(heard(line) == "settled 1");
}

TEST_CASE("fetch server: what was never settled makes room, and what waits for it may be settled at once") {
  Bench bench;
  bench.fetches[0]->fetch_at_most(1);
  bench.fetches[0]->wait_at_most(20ms);
  bool settles = false;
  bench.fetches[0]->on_wanted([&](const std::string& key) {
    bench.wanted.push_back(key);
    if (settles) bench.fetches[0]->settled(key);
  });
  const FetchLine line = bench.line();
  CHECK(say(line, {want(1, "never"), want(2, "waits")}));
  bench.turn();
  CHECK(bench.wanted == std::vector<std::string>{"never"});
  CHECK(say(line, {{Kind::forget, 1}}));
  settles = true;
  const auto until = std::chrono::steady_clock::now() + 20s;
  for (std::uint32_t ticket = 3; heard(line).empty() && std::chrono::steady_clock::now() < until; ++ticket) {
    CHECK(say(line, {want(ticket, "waits", 1, ticket)}));
    bench.turn();
  }
  CHECK(bench.wanted.back() == "waits");
}

TEST_CASE("fetch server: keys that are settled as soon as they are wanted do not pile up, however many wait") {
  Bench bench;
  bench.fetches[0]->fetch_at_most(1);
  const FetchLine line = bench.line();
  for (std::uint32_t i = 0; i < 5000; i += 250) {
    FetchPacket packet;
    for (std::uint32_t j = i; j < i + 250; ++j) REQUIRE(packet.add(want(j, fmt::format("k{}", j))));
    while (!line.send(packet.bytes())) bench.turn();
  }
  for (int i = 0; i < 20; ++i) bench.turn();
  int wanted = 0;
  bench.fetches[0]->on_wanted([&](const std::string& key) {
    ++wanted;
    bench.fetches[0]->settled(key);
  });
  CHECK(wanted == 5000);
}

TEST_CASE("fetch server: a dns process that does not listen costs a bounded amount, and gets it all if it does") {
  Bench bench;
  bench.fetches[0]->on_wanted([&](const std::string& key) { bench.fetches[0]->settled(key); });
  const FetchLine line = bench.line();
  std::uint32_t ticket = 0;
  bool open = true;
  while (open && ticket < 1'000'000) {
    FetchPacket packet;
    for (int i = 0; i < 500; ++i) REQUIRE(packet.add(want(++ticket, "k")));
    while (!line.send(packet.bytes())) bench.turn();
    bench.turn();
    open = bench.server->has_lines();
  }
  CHECK_FALSE(open);
  CHECK(ticket > FetchServer::kMaxUnsent);
  CHECK(ticket < 1'000'000);

  const FetchLine slow = bench.line();
  for (std::uint32_t i = 0; i < 10'000; i += 500) {
    FetchPacket packet;
    for (std::uint32_t j = 0; j < 500; ++j) REQUIRE(packet.add(want(i + j, "k")));
    while (!slow.send(packet.bytes())) bench.turn();
    bench.turn();
  }
  std::set<std::uint32_t> settled;
  std::vector<std::uint8_t> buffer(FetchPacket::kMaxSize);
  for (int i = 0; i < 1000 && settled.size() < 10'000; ++i) {
    const Result<Bytes> packet = slow.receive(buffer);
    REQUIRE(packet);
    if (packet->empty()) {
      bench.turn();
      continue;
    }
    CHECK(read_fetch_packet(*packet, [&](const FetchMessage& each) { return settled.insert(each.ticket).second; }));
  }
  CHECK(settled.size() == 10'000);
}

TEST_CASE("fetch server: the end of a dns process is noticed") {
  Bench bench;
  bench.collect(*bench.fetches[0]);
  {
    const FetchLine line = bench.line();
    CHECK(say(line, {want(1, "a"), want(2, "b")}));
    bench.turn();
    CHECK(bench.server->has_lines());
  }
  bench.turn();
  CHECK_FALSE(bench.server->has_lines());
  bench.fetches[0]->settled("a");
  bench.turn();
  const FetchLine line = bench.line();
  CHECK(say(line, {want(1, "b")}));
  bench.turn();
  CHECK(bench.wanted == std::vector<std::string>{"a", "b"});  // it is being fetched still
  bench.fetches[0]->settled("b");
  bench.turn();
  CHECK(heard(line) == "settled 1");
}

TEST_CASE("fetch server: whole requests are answered with whole responses") {
  Bench bench;
  bench.fetches[0]->carry_messages();
  bench.collect(*bench.fetches[0]);
  const FetchLine line = bench.line(), other = bench.line();
  const std::string request(60'000, 'r');
  REQUIRE(say(line, {want(1, request)}));
  REQUIRE(say(other, {want(7, request)}));  // the same
  bench.turn();
  REQUIRE(bench.wanted == std::vector<std::string>{request});
  bench.fetches[0]->answered(request, as_bytes("signed"));
  bench.turn();
  CHECK(heard(line) == "signed: 1");
  CHECK(heard(other) == "signed: 7");
}

TEST_CASE("fetch server: a dns process has no more bytes of whole requests than its share, and none elsewhere") {
  Bench bench;
  bench.fetches[0]->carry_messages();
  bench.collect(*bench.fetches[0]);
  const FetchLine greedy = bench.line(), wrong = bench.line(), honest = bench.line();
  std::string request(Fetch::kMaxMessage, 'r');
  for (std::uint32_t ticket = 0; ticket <= FetchServer::kMaxMessages / Fetch::kMaxMessage; ++ticket) {
    store_u32(reinterpret_cast<std::uint8_t*>(request.data()), ticket);
    static_cast<void>(say(greedy, {want(ticket, request)}));
    bench.turn();
  }
  CHECK(heard(greedy) == "gone");
  constexpr std::size_t kAll = FetchServer::kMaxMessages / Fetch::kMaxMessage;
  CHECK(bench.wanted.size() > kAll / 2 - 2);
  CHECK(bench.wanted.size() <= kAll / 2 + 1);  // one network's share
  // One that says and forgets gets no further, and what another network wants has room.
  bench.wanted.clear();
  const FetchLine forgetful = bench.line();
  for (std::uint32_t ticket = 0; ticket < 300; ++ticket) {
    store_u32(reinterpret_cast<std::uint8_t*>(request.data()), 1000 + ticket);
    REQUIRE(say(forgetful, {want(ticket, request, 1, 2)}));
    REQUIRE(say(forgetful, {{Kind::forget, ticket}}));
    bench.turn();
  }
  CHECK(bench.wanted.size() > kAll / 4 - 2);
  CHECK(bench.wanted.size() <= kAll / 2 + 1);  // what is with the service does not count for ever
  REQUIRE(say(wrong, {want(1, std::string(Fetch::kMaxKey + 1, 'k'), 2)}));  // of a fetch that carries none
  REQUIRE(say(honest, {want(1, "short", 1, 3)}));
  bench.turn();
  CHECK(heard(wrong) == "gone");
  CHECK(bench.wanted.back() == "short");
}
