// Queries that wait: what becomes of them, without a socket or a clock.
#include <fmt/format.h>

#include "core/server/park.h"

#include "core/plugin/relay.h"
#include "tests/support/dns_message.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace swage::server;
using namespace std::chrono_literals;
using Refusal = dns::Later::Refusal;

constexpr std::int64_t kSecond = 1'000'000'000;

struct Recorder : Origin {
  explicit Recorder(std::size_t most = 10'000) : Origin(most) {}
  ~Recorder() override { forget_parked(); }
  void answer_later(const Arrival&, Bytes response) override { answers.emplace_back(response.begin(), response.end()); }
  void flush_later() override { ++flushes; }

  std::vector<Packet> answers;
  int flushes = 0;
};

struct Seen : Observer {
  explicit Seen(int& count) : count_(count) {}
  void sent(const Query&, const Response&, Bytes) const override { ++count_; }
  int& count_;
};

int observed = 0;
Result<> observe(Controller& controller) {
  controller.once();
  controller.add(std::make_unique<Seen>(observed));
  return {};
}
constexpr std::array kPlugins = {PluginType{"observe", &observe}};

IpAddress network(std::uint8_t number) { return IpAddress::v4(std::array<std::uint8_t, 4>{10, 0, number, 1}); }

// A chain that has `known` in memory, TXT is what it answers; other queries for TXT wait for their first label, or for
// what `next_key` says. Queries of other types are answered from memory.
struct Bench {
  explicit Bench(Park::Limits limits = {}) : park(responder, fetches, metrics, [this] { ++wakes; }, limits, {1, 2, 3}) {
    observed = 0;
  }

  Result<Outcome> serve(const Query& query, Response& response) {
    ++runs;
    if (relayed) return Relay(*fetches[0]).hand_over(query, response);
    if (query.qtype != dns::Type::txt) return answer_text(query, response, 1, "memory");
    const std::string key = next_key ? next_key() : std::string(as_text(query.key.view().first_label()));
    if (ahead) fetches[0]->ahead(response, as_bytes("soon"));
    if (known.contains(key)) return answer_text(query, response, 1, key);
    const Result<Outcome> outcome = fetches[0]->later(response, as_bytes(key), patience);
    if (!outcome && stale) return answer_text(query, response, 1, "stale");
    return outcome;
  }

  // The answer that comes at once; nothing where it waits.
  std::optional<Decoded> ask(const std::string& name, Origin& origin, std::int64_t now = 0, bool edns = true,
                             const std::string& type = "TXT") {
    Question question{.name = name, .type = type};
    if (edns) question.opt.emplace();
    const Packet request = tests::encode(question);
    Arrival arrival = harness.arrival;
    arrival.received = now;
    arrival.origin = &origin;
    arrival.client.address = client;
    std::array<std::uint8_t, 1232> out;
    const Router& router = harness.configuration().listeners.begin()->second;
    const std::size_t size = responder.respond(router, request, arrival, out);
    if (size == 0) return std::nullopt;
    return *tests::decode(Bytes(out).first(size));
  }
  // What is said on the line, in words.
  std::vector<std::string> said() {
    FetchPacket packet;
    std::vector<std::string> messages;
    park.write(Fetch::By::service, packet);
    if (packet.empty()) return messages;
    REQUIRE(read_fetch_packet(packet.bytes(), [&](const FetchMessage& message) {
      const bool is_want = message.kind == FetchMessage::Kind::want;
      if (is_want) tickets[std::string(as_text(message.key))] = message.ticket;
      messages.push_back(is_want ? fmt::format("want {} of {}", as_text(message.key), message.fetch)
                                 : fmt::format("forget {}", message.ticket));
      return true;
    }));
    return messages;
  }
  void settle(const std::string& key, bool fetched = true) {
    park.settle(Fetch::By::service, tickets.at(key), fetched);
    while (park.run(100, 0)) {
    }
  }
  void pass(std::int64_t now) {
    park.let_pass(now);
    while (park.run(100, now)) {
    }
  }

  std::set<std::string> known;
  IpAddress client = *IpAddress::parse("192.0.2.1");
  std::function<std::string()> next_key;
  bool stale = false, ahead = false, relayed = false;
  std::chrono::milliseconds patience = Fetch::kMaxTime;
  int runs = 0, wakes = 0;
  std::map<std::string, std::uint32_t> tickets;
  PluginHarness harness{kPlugins, "example.org {\n observe\n}",
                        [this](const Query& query, Response& response) { return serve(query, response); }};
  std::vector<std::unique_ptr<Fetch>> fetches = make_fetches();
  metrics::Registry registry;
  FetchMetrics metrics{registry, fetches};
  Responder responder;
  Park park;

  static std::vector<std::unique_ptr<Fetch>> make_fetches() {
    std::vector<std::unique_ptr<Fetch>> fetches;
    fetches.push_back(std::make_unique<Fetch>("store", 1));
    return fetches;
  }
};

// "NOERROR 1 answer", with the Extended DNS Error, if there is one.
std::string outcome_of(const Decoded& answer) {
  std::string text = fmt::format("{} {}", answer.rcode_text(), answer.answer.size());
  const Option* const error = answer.opt ? answer.opt->option(15) : nullptr;
  if (error != nullptr)
    text += fmt::format(" EDE {}: {}", load_u16(as_bytes(error->data).data()), error->data.substr(2));
  return text;
}
std::string outcome_of(const Packet& answer) { return outcome_of(*tests::decode(answer)); }

}  // namespace

TEST_CASE("park: many queries for the same key are one want, and all are answered when it is there") {
  Bench bench;
  Recorder origin;
  for (int i = 0; i < 100; ++i) CHECK_FALSE(bench.ask("a.example.org.", origin));
  CHECK_FALSE(bench.ask("b.example.org.", origin));
  CHECK(bench.said() == std::vector<std::string>{"want a of 1", "want b of 1"});
  CHECK(bench.said().empty());
  CHECK(bench.park.size() == 101);
  CHECK(observed == 0);
  bench.known = {"a"};
  bench.settle("a");
  CHECK(origin.answers.size() == 100);
  for (const Packet& each : origin.answers) CHECK(outcome_of(each) == "NOERROR 1");
  CHECK(origin.flushes == 1);
  CHECK(observed == 100);
  CHECK(bench.park.size() == 1);
  CHECK(origin.parked() == 1);
  bench.settle("a");  // nobody waits with that ticket any more
  CHECK(origin.answers.size() == 100);
  CHECK(bench.said().empty());
}

TEST_CASE("park: what two networks wait for is said for each of them") {
  Bench bench;
  Recorder origin;
  for (std::uint8_t i = 1; i <= 4; ++i) {
    bench.client = network(i / 2);
    CHECK_FALSE(bench.ask("a.example.org.", origin));
  }
  CHECK(bench.said() == std::vector<std::string>{"want a of 1", "want a of 1", "want a of 1"});
  bench.known = {"a"};
  bench.settle("a");  // as it was said last, to one of them
  CHECK(origin.answers.size() == 1);
  CHECK(bench.park.size() == 3);
}

TEST_CASE("park: one key after the other, up to a bound") {
  Bench bench;
  Recorder origin;
  int step = 0;
  bench.next_key = [&] { return "step " + std::to_string(step); };
  CHECK_FALSE(bench.ask("a.example.org.", origin));
  CHECK(bench.said() == std::vector<std::string>{"want step 0 of 1"});
  for (step = 1; step < 16; ++step) {
    CHECK(origin.answers.empty());
    bench.settle("step " + std::to_string(step - 1));
    CHECK(bench.said() == std::vector<std::string>{fmt::format("want step {} of 1", step)});
  }
  bench.settle("step 15");
  REQUIRE(origin.answers.size() == 1);
  CHECK(outcome_of(origin.answers[0]) == "SERVFAIL 0 EDE 0: the answer takes too many steps");
  CHECK(bench.runs == 18);  // 16, one more that asks too much, and one that hears so
  CHECK(bench.park.size() == 0);
  CHECK(observed == 1);
}

TEST_CASE("park: what is not there in time is SERVFAIL with the reason, and no longer wanted") {
  Bench bench;
  Recorder origin;
  bench.fetches[0]->wait_at_most(3s);
  CHECK_FALSE(bench.ask("a.example.org.", origin, kSecond));
  CHECK_FALSE(bench.ask("a.example.org.", origin, 2 * kSecond, false));
  CHECK(bench.park.next_deadline() == 4 * kSecond);
  CHECK(bench.said().size() == 1);
  bench.pass(4 * kSecond - 1);
  CHECK(origin.answers.empty());
  bench.pass(4 * kSecond);
  REQUIRE(origin.answers.size() == 1);
  CHECK(outcome_of(origin.answers[0]) == "SERVFAIL 0 EDE 23: the answer was not fetched in time");
  CHECK(bench.said().empty());  // the other one wants it still
  bench.pass(5 * kSecond);
  REQUIRE(origin.answers.size() == 2);
  CHECK(outcome_of(origin.answers[1]) == "SERVFAIL 0");
  CHECK_FALSE(decode(origin.answers[1])->opt);
  CHECK(bench.said() == std::vector<std::string>{"forget 1"});
  CHECK(bench.park.next_deadline() == std::nullopt);
}

TEST_CASE("park: what cannot be fetched is told at once") {
  Bench bench;
  Recorder origin;
  CHECK_FALSE(bench.ask("a.example.org.", origin));
  static_cast<void>(bench.said());
  bench.settle("a", false);
  REQUIRE(origin.answers.size() == 1);
  CHECK(outcome_of(origin.answers[0]) == "SERVFAIL 0 EDE 23: the answer cannot be fetched");
  CHECK(bench.said().empty());
  CHECK_FALSE(bench.ask("a.example.org.", origin));  // the next one may
  CHECK(bench.said() == std::vector<std::string>{"want a of 1"});
}

TEST_CASE("park: a plugin may have something better to say than that it cannot be fetched") {
  Bench bench;
  Recorder origin;
  bench.stale = true;
  CHECK_FALSE(bench.ask("a.example.org.", origin));
  bench.pass(2 * kSecond);
  REQUIRE(origin.answers.size() == 1);
  CHECK(outcome_of(origin.answers[0]) == "NOERROR 1 EDE 23: the answer was not fetched in time");
}

TEST_CASE("park: a full park answers at once, and answers from memory as always") {
  Bench bench({.queries = 3});
  Recorder origin;
  for (const char* const name : {"a.example.org.", "b.example.org.", "c.example.org."}) {
    bench.client = network(static_cast<std::uint8_t>(name[0]));
    CHECK_FALSE(bench.ask(name, origin));
  }
  bench.client = network(1);
  bench.runs = 0;
  for (const char* const name : {"a.example.org.", "d.example.org."}) {
    const auto answer = bench.ask(name, origin);
    REQUIRE(answer);
    CHECK(outcome_of(*answer) == "SERVFAIL 0 EDE 0: too many queries wait for answers that have to be fetched");
  }
  CHECK(bench.runs == 2);  // once each
  CHECK(outcome_of(*bench.ask("d.example.org.", origin, 0, true, "A")) == "NOERROR 1");
  CHECK(bench.said().size() == 3);
  bench.known = {"b"};
  bench.settle("b");
  CHECK(origin.answers.size() == 1);
  CHECK_FALSE(bench.ask("d.example.org.", origin));
  CHECK(bench.ask("e.example.org.", origin));
  bench.pass(2 * kSecond);
  CHECK(origin.answers.size() == 4);
  CHECK(bench.park.size() == 0);
}

TEST_CASE("park: one network has half of it, two a third each, and whoever comes next finds as much") {
  Bench bench({.queries = 60});
  Recorder origin;
  const auto flood = [&](const IpAddress& client) {
    bench.client = client;
    for (int i = 0; i < 100; ++i) {
      if (bench.ask(fmt::format("n{}.example.org.", i), origin)) return i;
    }
    return 100;
  };
  CHECK(flood(network(1)) == 30);
  CHECK(flood(*IpAddress::parse("10.0.1.77")) == 0);  // the same network
  CHECK(flood(network(2)) == 15);
  CHECK(flood(*IpAddress::parse("2001:db8:1::1")) == 8);
  CHECK(flood(*IpAddress::parse("2001:db8:1:ffff::2")) == 0);
  CHECK(flood(*IpAddress::parse("2001:db8:2::1")) == 4);
  CHECK(bench.park.size() == 57);
  bench.client = network(1);
  CHECK(outcome_of(*bench.ask("a.example.org.", origin, 0, true, "A")) == "NOERROR 1");  // from memory
  CHECK(outcome_of(*bench.ask("n0.example.org.", origin)) ==
        "SERVFAIL 0 EDE 0: too many queries wait for answers that have to be fetched");
  bench.pass(2 * kSecond);
  CHECK(bench.park.size() == 0);
  CHECK(flood(network(3)) == 30);  // nothing of the others' shares is left
  CHECK(flood(network(1)) == 15);
}

TEST_CASE("park: a flood from one network leaves others' answers alone, also while it goes on") {
  Bench bench({.queries = 64});
  Recorder flooding, honest;
  std::size_t served = 0;
  for (int i = 0; i < 1000; ++i) {
    bench.client = network(1);
    for (int j = 0; j < 3; ++j) static_cast<void>(bench.ask(fmt::format("x{}-{}.example.org.", i, j), flooding, i));
    bench.client = network(static_cast<std::uint8_t>(2 + i % 8));
    const std::string name = "h" + std::to_string(i);
    REQUIRE_FALSE(bench.ask(name + ".example.org.", honest, i));
    static_cast<void>(bench.said());
    bench.known = {name};
    bench.settle(name);
    REQUIRE(honest.answers.size() == ++served);
    CHECK(outcome_of(honest.answers.back()) == "NOERROR 1");
    if (i % 100 == 99) bench.pass(2 * kSecond + i);
  }
  CHECK(flooding.answers.size() >= 320);
}

TEST_CASE("park: sources from everywhere fill the whole of it, and no more") {
  Bench bench({.queries = 500});
  Recorder origin;
  int waiting = 0;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    std::array<std::uint8_t, 4> address{};
    store_u32(address.data(), i << 8);
    bench.client = IpAddress::v4(address);
    waiting += bench.ask(fmt::format("n{}.example.org.", i), origin) ? 0 : 1;
  }
  CHECK(waiting == 500);
  CHECK(bench.park.size() == 500);
}

TEST_CASE("park: large queries of one network have half of the bytes") {
  Bench bench({.bytes = 60'000});
  Recorder origin;
  int waiting = 0;
  while (!bench.ask(fmt::format("n{}.example.org.", waiting), origin)) ++waiting;
  CHECK(waiting > 40);
  CHECK(waiting <= 55);
  bench.client = network(1);
  CHECK_FALSE(bench.ask("other.example.org.", origin));
}

TEST_CASE("park: it is bounded in bytes, and in the queries of a connection") {
  Bench bench({.bytes = 1200});
  Recorder origin;
  CHECK_FALSE(bench.ask("a.example.org.", origin));
  bench.client = network(1);
  CHECK_FALSE(bench.ask("b.example.org.", origin));
  bench.client = network(2);
  CHECK(bench.ask("c.example.org.", origin));
  Bench other;
  Recorder connection(2), another;
  CHECK_FALSE(other.ask("a.example.org.", connection));
  CHECK_FALSE(other.ask("a.example.org.", connection));
  CHECK(outcome_of(*other.ask("a.example.org.", connection)) ==
        "SERVFAIL 0 EDE 0: too many queries wait for answers that have to be fetched");
  CHECK_FALSE(other.ask("a.example.org.", another));
}

TEST_CASE("park: queries of a client that is gone are forgotten, wherever they are") {
  Bench bench;
  Recorder stays;
  {
    Recorder goes;
    CHECK_FALSE(bench.ask("a.example.org.", goes));
    CHECK_FALSE(bench.ask("b.example.org.", goes));
    CHECK_FALSE(bench.ask("b.example.org.", stays));
    CHECK_FALSE(bench.ask("c.example.org.", goes));
    CHECK(bench.said().size() == 3);
    bench.park.settle(Fetch::By::service, bench.tickets.at("c"), true);  // it is to run
    CHECK(bench.park.size() == 4);
  }
  CHECK(bench.park.size() == 1);
  CHECK_FALSE(bench.park.run(100, 0));
  CHECK(bench.said() == std::vector<std::string>{fmt::format("forget {}", bench.tickets.at("a"))});
  bench.known = {"b"};
  bench.settle("b");
  CHECK(stays.answers.size() == 1);
}

TEST_CASE("park: another service process hears what is wanted still, and only that") {
  Bench bench;
  Recorder origin;
  CHECK_FALSE(bench.ask("a.example.org.", origin));
  CHECK_FALSE(bench.ask("b.example.org.", origin, kSecond));
  CHECK(bench.said().size() == 2);
  bench.pass(2 * kSecond);
  CHECK_FALSE(bench.ask("c.example.org.", origin, kSecond));
  bench.park.say_again(Fetch::By::service);
  CHECK(bench.said() == std::vector<std::string>{"want b of 1", "want c of 1"});
}

TEST_CASE("park: each process that fetches hears what it fetches, and settles no more") {
  Bench bench;
  Recorder origin;
  bench.fetches[0]->set_by(Fetch::By::fetch);
  CHECK_FALSE(bench.ask("a.example.org.", origin));
  CHECK(bench.said().empty());  // to the service process
  bench.park.say_again(Fetch::By::service);
  CHECK(bench.said().empty());
  FetchPacket packet;
  bench.park.write(Fetch::By::fetch, packet);
  std::uint32_t ticket = 0;
  CHECK(read_fetch_packet(packet.bytes(), [&](const FetchMessage& message) { return ticket = message.ticket, true; }));
  bench.known = {"a"};
  bench.park.settle(Fetch::By::service, ticket, true);
  bench.park.give_up(Fetch::By::service);
  CHECK_FALSE(bench.park.run(100, 0));
  CHECK(origin.answers.empty());
  bench.park.settle(Fetch::By::fetch, ticket, true);
  CHECK_FALSE(bench.park.run(100, 0));
  CHECK(origin.answers.size() == 1);
}

TEST_CASE("park: what nobody hears is not kept for ever") {
  Bench bench({.queries = 10});
  Recorder origin;
  for (int i = 0; i < 1000; ++i) {
    CHECK_FALSE(bench.ask(fmt::format("n{}.example.org.", i), origin, i * 3 * kSecond));
    bench.pass((i * 3 + 2) * kSecond);
  }
  CHECK_FALSE(bench.ask("last.example.org.", origin, 3000 * kSecond));
  CHECK(bench.said() == std::vector<std::string>{"want last of 1"});
}

TEST_CASE("park: a bounded number of answers is made at a time") {
  Bench bench;
  Recorder origin;
  for (int i = 0; i < 250; ++i) CHECK_FALSE(bench.ask("a.example.org.", origin));
  static_cast<void>(bench.said());
  bench.known = {"a"};
  bench.park.settle(Fetch::By::service, bench.tickets.at("a"), true);
  CHECK(bench.park.run(100, 0));
  CHECK(origin.answers.size() == 100);
  CHECK(bench.park.run(100, 0));
  CHECK_FALSE(bench.park.run(100, 0));
  CHECK(origin.answers.size() == 250);
}

TEST_CASE("park: all that waits can be given up") {
  Bench bench;
  Recorder origin;
  for (int i = 0; i < 5; ++i) CHECK_FALSE(bench.ask(fmt::format("n{}.example.org.", i), origin));
  bench.park.give_up(Fetch::By::service);
  CHECK_FALSE(bench.park.run(100, 0));
  CHECK(origin.answers.size() == 5);
  CHECK(outcome_of(origin.answers[0]).starts_with("SERVFAIL 0 EDE 23"));
}

TEST_CASE("park: what is wanted ahead is wanted once, and nobody waits for it") {
  Bench bench;
  Recorder origin;
  bench.known = {"a"};
  bench.ahead = true;
  for (int i = 0; i < 3; ++i) CHECK(bench.ask("a.example.org.", origin));
  CHECK(bench.park.size() == 0);
  CHECK(bench.said() == std::vector<std::string>{"want soon of 1"});
  CHECK(bench.park.next_deadline() == 2 * kSecond);

  SECTION("it is fetched, and may be wanted again") {
    bench.settle("soon");
    CHECK_FALSE(bench.park.next_deadline());
    CHECK(bench.said().empty());
    CHECK(bench.ask("a.example.org.", origin));
    CHECK(bench.said() == std::vector<std::string>{"want soon of 1"});
  }
  SECTION("it cannot be fetched") {
    bench.settle("soon", false);
    CHECK_FALSE(bench.park.next_deadline());
  }
  SECTION("it is not fetched in time: it is forgotten") {
    bench.pass(2 * kSecond);
    CHECK_FALSE(bench.park.next_deadline());
    CHECK(bench.said() == std::vector<std::string>{fmt::format("forget {}", bench.tickets.at("soon"))});
  }
  SECTION("a query that waits for it, and is gone, leaves it wanted") {
    bench.ahead = false;
    {
      Recorder gone;
      CHECK_FALSE(bench.ask("soon.example.org.", gone, kSecond));
      CHECK(bench.park.size() == 1);
    }
    CHECK(bench.said().empty());
    CHECK_FALSE(bench.ask("soon.example.org.", origin, kSecond));
    bench.known.insert("soon");
    bench.settle("soon");
    CHECK(origin.answers.size() == 1);
    CHECK_FALSE(bench.park.next_deadline());
  }
  SECTION("another service process hears of it") {
    bench.park.say_again(Fetch::By::service);
    CHECK(bench.said() == std::vector<std::string>{"want soon of 1"});
  }
  CHECK(bench.runs >= 3);
}

TEST_CASE("park: what is wanted ahead is bounded") {
  Bench bench(Park::Limits{.ahead = 1});
  Recorder origin;
  bench.known = {"a"};
  bench.park.ahead({}, {.fetch = 1, .key = as_bytes("x")});
  bench.ahead = true;
  CHECK(bench.ask("a.example.org.", origin));
  CHECK(bench.said() == std::vector<std::string>{"want x of 1"});
}

TEST_CASE("park: a query that has something else to say waits no longer than it likes") {
  Bench bench;
  Recorder origin;
  bench.patience = 500ms;
  bench.stale = true;
  CHECK_FALSE(bench.ask("a.example.org.", origin));
  CHECK(bench.park.next_deadline() == kSecond / 2);
  bench.pass(kSecond / 2 - 1);
  CHECK(origin.answers.empty());
  bench.pass(kSecond / 2);
  CHECK(origin.answers.size() == 1);
  bench.patience = 1h;
  CHECK_FALSE(bench.ask("a.example.org.", origin));
  CHECK(bench.park.next_deadline() == 2 * kSecond);
}

TEST_CASE("park: a request that another process decides is answered with what that has made, as it is") {
  Bench bench;
  bench.relayed = true;
  Recorder origin;
  CHECK_FALSE(bench.ask("a.example.org.", origin));
  CHECK_FALSE(bench.ask("a.example.org.", origin));  // sent again
  REQUIRE(bench.said().size() == 1);
  const auto [request, ticket] = *bench.tickets.begin();
  CHECK(Relay::client(request).to_string() == "192.0.2.1");
  Question question{.name = "a.example.org.", .type = "TXT", .opt = Opt{}};
  CHECK(Packet(Relay::message(request).begin(), Relay::message(request).end()) == tests::encode(question));
  const Packet response = {0x53, 0x57, 0x84, 0x05, 1, 2, 3};
  bench.park.answer(Fetch::By::fetch, ticket, response);  // not who was asked
  bench.park.answer(Fetch::By::service, ticket + 1, response);
  CHECK_FALSE(bench.park.run(100, 0));
  CHECK(origin.answers.empty());
  bench.park.answer(Fetch::By::service, ticket, response);
  CHECK_FALSE(bench.park.run(100, 0));
  CHECK(origin.answers == std::vector<Packet>{response, response});
  CHECK(observed == 2);
  CHECK(bench.park.size() == 0);
  // The next one has nothing of it.
  CHECK_FALSE(bench.ask("a.example.org.", origin));
  CHECK(bench.said().size() == 1);
  bench.settle(bench.tickets.begin()->first, false);
  CHECK(outcome_of(origin.answers.back()) == "SERVFAIL 0 EDE 23: the answer cannot be fetched");
}

TEST_CASE("park: a request that nobody decides in time is SERVFAIL, and one that is too long at once") {
  Bench bench;
  bench.relayed = true;
  Recorder origin;
  CHECK_FALSE(bench.ask("a.example.org.", origin));
  bench.pass(3 * kSecond);
  REQUIRE(origin.answers.size() == 1);
  CHECK(outcome_of(origin.answers.front()) == "SERVFAIL 0 EDE 23: the answer was not fetched in time");
  CHECK(Relay::message("").empty());
  CHECK(Relay::message(std::string("\x10short", 6)).empty());
  CHECK(Relay::client("").to_string() == "0.0.0.0");
}
