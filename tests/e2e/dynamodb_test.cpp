// `store dynamodb`: servers that have one table of p2p-forge's, in a DynamoDB that checks signatures, and p2p-forge
// itself beside them where there is one.
#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "core/async/event.h"
#include "core/async/testing.h"
#include "core/dynamodb/values.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/published_forge.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/dynamodb.h"
#include "tests/support/own_network.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* kHost = "registration.libp2p.direct";

std::string corefile(const std::string& store = "store dynamodb challenges") {
  return "libp2p.direct {\n    bind 127.0.0.1\n    errors\n    acme-txt {\n        " + store +
         "\n    }\n    broker registration.libp2p.direct {\n        listen 127.0.0.1:@PORT2@\n        tls off\n"
         "        dial {\n            allow 127.0.0.0/8\n        }\n    }\n    file zones/libp2p.direct\n}\n";
}

ServerOptions with(const DynamoDb& database, unsigned workers = 1) {
  return {.workers = workers, .environment = database.environment()};
}

Question question(const libp2p::PeerId& of) {
  return {.name = "_acme-challenge." + of.to_base36() + ".libp2p.direct.", .type = "TXT", .opt = Opt{}};
}
libp2p::PeerId node_id(std::uint32_t number) { return Nodes::key(number).public_key().peer_id(); }

// "value", "not set yet"; "SERVFAIL 23", with the Extended DNS Error.
std::string outcome(const Decoded& answer) {
  if (!answer.answer.empty()) {
    const std::string& record = answer.answer[0];
    const std::size_t begin = record.find('"') + 1;
    return record.substr(begin, record.size() - begin - 1);
  }
  const Option* const error = answer.opt ? answer.opt->option(15) : nullptr;
  return answer.rcode_text() + (error == nullptr ? "" : fmt::format(" {}", load_u16(as_bytes(error->data).data())));
}

// What another nameserver's broker writes, or finds.
struct Table {
  explicit Table(const DynamoDb& database)
      : values(loop, {.table = database.table(), .region = DynamoDb::kRegion, .endpoint = database.endpoint()},
               {database.key().id, database.key().secret, ""}) {}
  void put(std::uint32_t number, const std::string& value, std::int64_t expires = 4'000'000'000) {
    REQUIRE(async::testing::run(loop, values.put(node_id(number).to_base58(), {.value = value, .expires = expires})));
  }
  std::string get(std::uint32_t number) {
    const auto item = async::testing::run(loop, values.get(node_id(number).to_base58()));
    REQUIRE(item);
    return *item ? (*item)->value : "none";
  }

  async::Loop loop;
  dynamodb::Values values;
};

// Until it answers so; two seconds are what it may remember.
bool comes_to(const Server& server, std::uint32_t number, const std::string& value) {
  return wait_until([&] { return outcome(server.ask(question(node_id(number)))) == value; }, 5s);
}

// Nodes that can be dialled, on a loop and a thread of their own.
struct Dialled {
  Dialled()
      : nodes(loop), thread([this] {
          loop.spawn(stop_when(loop, over));
          loop.run();
        }) {}
  ~Dialled() {
    over = true;
    thread.join();
  }
  static async::Task<> stop_when(async::Loop& on, const std::atomic<bool>& flag) {
    while (!flag) co_await async::sleep(on, 10ms);
    on.stop();
  }

  async::Loop loop;
  Nodes nodes;
  std::atomic<bool> over{false};
  std::thread thread;
};

async::Task<http::Response> register_and_close(Registrar& registrar, const libp2p::PrivateKey& key, std::string body) {
  http::Response response = co_await registrar.registers(key, std::move(body));
  registrar.close();
  co_return response;
}

// From any thread; status 0 where there is no response.
http::Response register_at(const Server& server, const Dialled& dialled, std::uint32_t number, std::uint64_t value) {
  async::Loop loop;
  Registrar registrar(loop, loopback(server.second_port()), kHost);
  const libp2p::PrivateKey key = Nodes::key(number);
  std::string body = registration_body(challenge_value(value), {dialled.nodes.address(number)});
  std::optional<http::Response> response;
  loop.spawn(async::testing::keep(register_and_close(registrar, key, std::move(body)), response));
  loop.run();
  if (response) return *std::move(response);
  http::Response none;
  none.status = 0;
  return none;
}

}  // namespace

TEST_CASE("dynamodb: what is in the table is answered, over UDP and TCP, by every process") {
  if (!DynamoDb::available()) return;
  const DynamoDb database;
  Table table(database);
  table.put(1, "one");
  const Server server(corefile(), with(database, 2));
  CHECK(outcome(server.ask(question(node_id(1)))) == "one");
  CHECK(outcome(server.ask_tcp(question(node_id(1)))) == "one");
  CHECK(outcome(server.ask(question(node_id(2)))) == "not set yet");
  table.put(2, "two");
  CHECK(comes_to(server, 2, "two"));
  table.put(1, "one more");  // instead of the other: the table has one value for a peer
  CHECK(comes_to(server, 1, "one more"));
  CHECK(server.ask(question(node_id(1))).answer.size() == 1);
  table.put(3, "expired", 1'600'000'000);  // which DynamoDB removes in its own time
  CHECK(outcome(server.ask(question(node_id(3)))) == "not set yet");
  table.put(4, std::string(300, 'x'));  // nobody's challenge
  CHECK(outcome(server.ask(question(node_id(4)))) == "SERVFAIL 23");
}

TEST_CASE("dynamodb: all who ask at the same time are one request, and for two seconds nobody asks again") {
  if (!DynamoDb::available()) return;
  const DynamoDb database;
  const Server server(corefile(), with(database, 2));
  const std::size_t before = database.requests();
  std::vector<std::thread> askers;
  std::atomic<int> answers{0};
  for (int i = 0; i < 20; ++i) {
    askers.emplace_back([&] {
      const auto answer = tests::ask_udp(server.endpoint(), encode(question(node_id(1))));
      if (answer) ++answers;
    });
  }
  for (std::thread& each : askers) each.join();
  CHECK(answers == 20);
  CHECK(database.requests() - before <= 2);  // where they took more than two seconds: two
}

TEST_CASE("dynamodb: a registration at one broker is with every nameserver when it is answered with 200") {
  if (!DynamoDb::available()) return;
  const DynamoDb database;
  Table table(database);
  const Server here(corefile(), with(database)), there(corefile(), with(database, 2));
  const Dialled dialled;
  for (std::uint64_t value = 1; value <= 2; ++value) {
    CHECK(outcome(there.ask(question(node_id(0)))) == (value == 1 ? "not set yet" : challenge_value(1)));
    const auto began = Clock::now();
    const http::Response response = register_at(here, dialled, 0, value);
    INFO(response.body << here.log());
    REQUIRE(response.status == 200);
    CHECK(Clock::now() - began >= 2s);
    CHECK(outcome(here.ask(question(node_id(0)))) == challenge_value(value));
    CHECK(outcome(there.ask(question(node_id(0)))) == challenge_value(value));
    CHECK(outcome(there.ask_tcp(question(node_id(0)))) == challenge_value(value));
    CHECK(table.get(0) == challenge_value(value));
  }
}

// What both have of a peer, over UDP and TCP; "..." where one does not answer.
std::vector<std::string> everywhere(const Server& one, const Server& other, std::uint32_t number) {
  std::vector<std::string> found;
  const Packet query = encode(question(node_id(number)));
  for (const Server* each : {&one, &other}) {
    for (const auto& packet : {tests::ask_udp(each->endpoint(), query), tests::ask_tcp(each->endpoint(), query)}) {
      const Result<Decoded> answer = packet ? decode(*packet) : Result<Decoded>(fail("no answer"));
      found.push_back(answer ? outcome(*answer) : "...");
    }
  }
  return found;
}

TEST_CASE("dynamodb: a hundred registrations, of many nodes at a time, at either broker, while strangers ask",
          "[.long]") {
  if (!DynamoDb::available()) return;
  const DynamoDb database;
  const Server here(corefile(), with(database)), there(corefile(), with(database));
  const Dialled dialled;
  constexpr std::uint32_t kNodes = 12, kTimes = 10;
  std::atomic<int> stored{0}, refused{0}, wrong{0};
  std::atomic<bool> over{false};
  std::thread strangers([&] {  // so that the old value is remembered just before the new one is written
    for (std::uint32_t i = 0; !over; i = (i + 1) % kNodes) static_cast<void>(everywhere(here, there, i));
  });
  std::vector<std::thread> threads;
  for (std::uint32_t node = 0; node < kNodes; ++node) {
    threads.emplace_back([&, node] {
      for (std::uint32_t i = 0; i < kTimes; ++i) {
        const std::uint64_t value = node * 1000 + i;
        if (register_at(i % 2 == 0 ? here : there, dialled, node, value).status != 200) {
          ++refused;
          continue;
        }
        ++stored;
        const auto found = everywhere(here, there, node);
        if (std::ranges::count(found, challenge_value(value)) != std::ssize(found)) ++wrong;
      }
    });
  }
  for (std::thread& each : threads) each.join();
  over = true;
  strangers.join();
  WARN(stored << " stored, " << refused << " refused");
  CHECK(wrong == 0);
  CHECK(stored > 0);
}

TEST_CASE(
    "dynamodb: where the table does not answer, challenges are SERVFAIL, registrations 503, and the rest goes on") {
  if (!DynamoDb::available()) return;
  const DynamoDb database;
  const Server server(corefile(), with(database));
  CHECK(outcome(server.ask(question(node_id(1)))) == "not set yet");
  database.pause();
  const auto began = Clock::now();
  CHECK(outcome(server.ask(question(node_id(2)))) == "SERVFAIL 23");
  CHECK(Clock::now() - began < 3s);
  CHECK(server.ask({.name = "libp2p.direct.", .type = "SOA"}).answer.size() == 1);
  const Dialled dialled;
  const http::Response refused = register_at(server, dialled, 0, 1);
  CHECK(refused.status == 503);
  CHECK(refused.fields.find("Retry-After").has_value());
  CHECK(server.log().find("[ERROR] plugin/acme-txt: libp2p.direct.: " + database.endpoint() +
                          ": Timeout was reached") != std::string::npos);
  database.resume();
  CHECK(comes_to(server, 2, "not set yet"));
  CHECK(register_at(server, dialled, 0, 2).status == 200);
  CHECK(server.log().find(database.key().secret) == std::string::npos);
}

TEST_CASE("dynamodb: the service process is killed, and the next one goes on") {
  if (!DynamoDb::available()) return;
  const DynamoDb database;
  Table table(database);
  table.put(1, "one");
  Server server(corefile(), with(database));
  CHECK(outcome(server.ask(question(node_id(1)))) == "one");
  const auto before = children(server.process().pid(), "@service");
  REQUIRE(before.size() == 1);
  ::kill(before[0], SIGKILL);
  REQUIRE(wait_until(
      [&] {
        const auto now = children(server.process().pid(), "@service");
        return now.size() == 1 && now != before;
      },
      20s));
  table.put(1, "two");
  CHECK(comes_to(server, 1, "two"));
  const std::size_t logged = server.log().size();
  server.process().signal(SIGUSR1);
  REQUIRE(wait_until([&] { return server.log().find("Reloading complete", logged) != std::string::npos; }, 30s));
  table.put(1, "three");
  CHECK(comes_to(server, 1, "three"));
}

TEST_CASE("dynamodb: credentials of a file, which is read again when it has changed") {
  if (!DynamoDb::available()) return;
  const DynamoDb database;
  const Folder folder;
  const auto file = [&](const std::string& secret) {
    return folder.write(
        "aws", "[default]\naws_access_key_id = " + database.key().id + "\naws_secret_access_key = " + secret + "\n");
  };
  const std::string store = "store dynamodb challenges {\n region us-east-1\n endpoint " + database.endpoint() +
                            "\n credentials " + file("wrong") + "\n}";
  const Server server(corefile(store));
  CHECK(outcome(server.ask(question(node_id(1)))) == "SERVFAIL 23");
  CHECK(wait_until([&] { return server.log().find("[ERROR] plugin/acme-txt: libp2p.direct.: ") != std::string::npos; },
                   10s));
  static_cast<void>(file(database.key().secret));
  CHECK(wait_until([&] { return outcome(server.ask(question(node_id(1)))) == "not set yet"; }, 40s));
}

TEST_CASE("dynamodb: without credentials it does not start, and says what is missing") {
  const auto start = [](std::string text) {
    const Folder folder;
    const Port port, http;
    text.replace(text.find("@PORT2@"), 7, std::to_string(http.number()));
    auto process = Process::start({.arguments = {std::getenv("SWAGE"), "-conf", folder.write("Corefile", text),
                                                 "-dns.port", std::to_string(port.number()), "-quiet"},
                                   .environment = {{"AWS_ACCESS_KEY_ID", ""}, {"AWS_REGION", ""}}});
    REQUIRE(process);
    const auto status = process->wait(20s);
    REQUIRE(status);
    CHECK(status->code == 1);
    const std::string log = process->log();
    return log.substr(log.find("Corefile:") + 9);
  };
  CHECK(start(corefile("store dynamodb challenges")) ==
        "4: acme-txt: no region: say 'region REGION', or set AWS_REGION in the environment\n");
  CHECK(start(corefile("store dynamodb challenges {\n region us-east-1\n}")) ==
        "4: acme-txt: AWS_ACCESS_KEY_ID is not set in the environment, and there is no 'credentials FILE'\n");
  CHECK(start(corefile("store dynamodb challenges {\n region us-east-1\n credentials /nowhere\n}")) ==
        "4: acme-txt: /nowhere: No such file or directory\n");
}

// Both with p2p-forge's production Corefile, unedited, the names of the ports but for the two programs'.
TEST_CASE("dynamodb: p2p-forge answers what swage has written, and swage what p2p-forge has") {
  const std::string program = real_p2p_forge("dynamodb: p2p-forge and swage with one table");
  if (program.empty() || !DynamoDb::available()) return;
  const auto network = OwnNetwork::enter();
  if (!network) return;
  const DynamoDb database("libp2p-direct-challenges");
  for (const auto& [name, value] : database.environment()) setenv(name.c_str(), value.c_str(), 1);
  const ForgeFolder folder(published("Corefile"));
  const auto text = [](const PublishedForge& forge) {
    return outcome(forge.ask(question(PublishedForge::node_key().public_key().peer_id())));
  };
  const auto begin = [&](Program by) {
    return PublishedForge(folder,
                          by == Program::swage ? std::vector<std::string>{"-workers", "1"} : std::vector<std::string>(),
                          loopback(53), loopback(80), by);
  };
  const Program order[] = {Program::p2p_forge, Program::swage, Program::p2p_forge};
  for (std::uint64_t value = 0; const Program each : order) {
    PublishedForge forge = begin(each);
    CHECK(text(forge) == (value == 0 ? "not set yet" : challenge_value(value)));
    ++value;
    const http::Response registered =
        forge.say_as(PublishedForge::node_key(), registration(challenge_value(value), {forge.node_address()}));
    INFO(registered.body << forge.log());
    CHECK(registered.status == 200);
    CHECK(text(forge) == challenge_value(value));
  }
}
