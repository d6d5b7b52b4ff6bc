// Answers that have to be fetched (core/plugin/fetch.h), in a swage with the plugin `fetched`
// (tests/support/fetched/plugins.cpp): over UDP and TCP, too late, too many, while processes are killed and replaced.
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "core/server/fetch_line.h"
#include "core/server/fetch_wire.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::string corefile(const char* time) {
  return fmt::format(
      "example.org {{\n bind 127.0.0.1\n nsid here\n prometheus 127.0.0.1:@PORT2@\n errors\n fetched @FOLDER@ {}\n "
      "whoami\n}}\n",
      time);
}

Question question(const std::string& label, std::uint16_t id = 1) {
  return {.name = label + ".example.org.", .type = "TXT", .id = id, .opt = Opt{.options = {{3, ""}}}};
}
Question from_memory(std::uint16_t id = 1) { return {.name = "memory.example.org.", .type = "A", .id = id}; }

// "NOERROR text of slow-a", "SERVFAIL 23".
std::string outcome(const Decoded& answer) {
  std::string text = answer.rcode_text();
  if (!answer.answer.empty()) text += " " + answer.answer[0].substr(answer.answer[0].find('"'));
  std::erase(text, '"');
  const Option* const error = answer.opt ? answer.opt->option(15) : nullptr;
  if (error != nullptr) text += fmt::format(" {}", load_u16(as_bytes(error->data).data()));
  return text;
}

// What the service process was asked for.
std::vector<std::string> wanted(const Server& server) {
  std::istringstream lines(read_file(server.folder().file("wanted")));
  std::vector<std::string> keys;
  for (std::string line; std::getline(lines, line);) keys.push_back(line);
  return keys;
}
bool wait_for_wanted(const Server& server, std::size_t count) {
  return wait_until([&] { return wanted(server).size() >= count; }, 20s);
}
void open_gate(const Server& server) { static_cast<void>(server.folder().write("open", "")); }

pid_t process(Server& server, std::string_view kind) {
  const auto found = children(server.process().pid(), kind);
  return found.empty() ? -1 : found.back();
}

void reload(Server& server) {
  const std::size_t before = server.log().size();
  server.process().signal(SIGUSR1);
  REQUIRE(wait_until([&] { return server.log().find("Reloading complete", before) != std::string::npos; }, 30s));
}

// How often each answer came, until `count` have come or none comes any more.
std::map<std::string, int> receive(const UdpClient& client, std::size_t count, Milliseconds patience = kPatience) {
  std::map<std::string, int> answers;
  std::set<std::uint16_t> ids;
  for (std::size_t i = 0; i < count; ++i) {
    const auto answer = client.receive(patience);
    if (!answer) break;
    const auto decoded = decode(*answer);
    REQUIRE(decoded);
    CHECK(ids.insert(decoded->id).second);
    ++answers[outcome(*decoded)];
  }
  return answers;
}

std::size_t total(const std::map<std::string, int>& answers) {
  std::size_t sum = 0;
  for (const auto& [text, count] : answers) sum += static_cast<std::size_t>(count);
  return sum;
}

// Many queries of many clients: what a client gets fits into the buffer of its socket.
class Crowd {
 public:
  static constexpr std::size_t kEach = 100;

  // Asks for PREFIX0 to PREFIX(count - 1).
  Crowd(const Server& server, std::size_t count, const std::string& prefix) {
    for (std::size_t i = 0; i < count; ++i) {
      if (i % kEach == 0) clients_.push_back(std::make_unique<UdpClient>(server.endpoint()));
      clients_.back()->send(encode(question(prefix + std::to_string(i), static_cast<std::uint16_t>(i))));
      if (i % kEach == 0) CHECK(server.ask(from_memory()).rcode_text() == "NOERROR");  // not faster than it can
    }
  }

  // As receive(), of all of them; `patience`: with each.
  [[nodiscard]] std::map<std::string, int> receive(Milliseconds patience = kPatience) const {
    std::map<std::string, int> all;
    for (const auto& client : clients_) {
      for (const auto& [text, count] : ::receive(*client, kEach, patience)) all[text] += count;
    }
    return all;
  }

 private:
  std::vector<std::unique_ptr<UdpClient>> clients_;
};

}  // namespace

TEST_CASE("fetched: many queries for the same key are one want; all are answered when it is there") {
  const Server server(corefile("5s"), {.workers = 2});
  std::vector<std::unique_ptr<UdpClient>> clients;
  for (int i = 0; i < 20; ++i) {  // from many ports: both dns processes have some
    clients.push_back(std::make_unique<UdpClient>(server.endpoint()));
    for (std::uint16_t id = 0; id < 10; ++id) clients.back()->send(encode(question("slow-a", id)));
  }
  REQUIRE(wait_for_wanted(server, 1));
  CHECK(server.ask(from_memory()).rcode_text() == "NOERROR");
  CHECK(wait_until([&] { return server.metric("swage_fetch_waiting_queries") == 200; }, 10s));
  CHECK(server.metric("swage_fetch_keys") == 1);
  open_gate(server);
  for (const auto& client : clients)
    CHECK(receive(*client, 10) == std::map<std::string, int>{{"NOERROR text of slow-a", 10}});
  CHECK(wanted(server) == std::vector<std::string>{"slow-a"});
  CHECK(outcome(server.ask(question("slow-a"))) == "NOERROR text of slow-a");  // from memory
  CHECK(wanted(server).size() == 1);
  CHECK(wait_until([&] { return server.metric("swage_fetch_wait_seconds_count") == 200; }, 10s));
  CHECK(server.metric("swage_fetch_waiting_queries") == 0);
  CHECK(server.metric("swage_fetch_keys") == 0);
  CHECK(server.metric("swage_fetch_queries_total{fetch=\"fetched\"}") == 200);
  CHECK(server.metric("swage_fetch_wants_total{fetch=\"fetched\"}") <= 2);
  const auto counted = [&](const char* type) {
    return server.metric(
        fmt::format("coredns_dns_requests_total{{server=\"dns://127.0.0.1:{}\",zone=\"example.org.\","
                    "view=\"\",proto=\"udp\",family=\"1\",type=\"{}\"}}",
                    server.port(), type));
  };
  CHECK(counted("TXT") == 201);
}

TEST_CASE("fetched: over a TCP connection what is in memory does not wait for what is not") {
  const Server server(corefile("5s"));
  TcpClient client(server.endpoint());
  Packet pipelined;
  for (std::uint16_t id = 0; id < 40; ++id) {
    const bool waits = id % 4 == 1;
    const Packet each = framed(encode(waits ? question(fmt::format("slow-{}", id % 8), id) : from_memory(id)));
    pipelined.insert(pipelined.end(), each.begin(), each.end());
  }
  REQUIRE(client.send_raw(pipelined));
  std::uint16_t last = 0;
  for (int i = 0; i < 30; ++i) {
    const auto answer = client.receive();
    REQUIRE(answer);
    const Decoded decoded = *decode(*answer);
    CHECK(decoded.id % 4 != 1);
    CHECK((i == 0 || decoded.id > last));  // in order
    last = decoded.id;
  }
  REQUIRE(wait_for_wanted(server, 2));
  REQUIRE(client.send(encode(from_memory(100))));
  REQUIRE(client.send(encode(question("fail-x", 101))));
  CHECK(decode(client.receive().value())->id == 100);
  CHECK(outcome(*decode(client.receive().value())) == "SERVFAIL 23");
  open_gate(server);
  std::set<std::uint16_t> ids;
  for (int i = 0; i < 10; ++i) {
    const auto answer = client.receive();
    REQUIRE(answer);
    const Decoded decoded = *decode(*answer);
    CHECK(outcome(decoded) == fmt::format("NOERROR text of slow-{}", decoded.id % 8));
    CHECK(decoded.opt->option(3) != nullptr);
    CHECK(ids.insert(decoded.id).second);
  }
  CHECK(wanted(server).size() == 3);
  REQUIRE(client.send(encode(question("now-x", 102))));
  CHECK(outcome(*decode(client.receive().value())) == "NOERROR text of now-x");
}

TEST_CASE("fetched: a TCP client that asks nothing more gets its answers, then the end") {
  const Server server(corefile("5s"));
  TcpClient client(server.endpoint());
  for (std::uint16_t id = 0; id < 10; ++id) REQUIRE(client.send(encode(question("slow-a", id))));
  client.finish();
  REQUIRE(wait_until([&] { return server.metric("swage_fetch_waiting_queries") == 10; }, 10s));
  open_gate(server);
  for (int i = 0; i < 10; ++i) CHECK(client.receive());
  CHECK(client.closed_within(5s));
}

TEST_CASE("fetched: the limits of a TCP connection do not end it while it waits") {
  const Server server(
      "example.org {\n bind 127.0.0.1\n timeouts {\n  idle 1s\n  read 1s\n  maxtcpqueries 3\n }\n fetched @FOLDER@ "
      "6s\n "
      "whoami\n}\n");
  TcpClient waits(server.endpoint()), last(server.endpoint());
  REQUIRE(waits.send(encode(question("slow-a", 1))));
  Packet pipelined;
  for (std::uint16_t id = 1; id <= 5; ++id) {
    const Packet each = framed(encode(id == 2 ? from_memory(id) : question("slow-b", id)));
    pipelined.insert(pipelined.end(), each.begin(), each.end());
  }
  REQUIRE(last.send_raw(pipelined));
  for (int i = 0; i < 2; ++i) {  // longer than a connection may be idle
    TcpClient idle(server.endpoint());
    REQUIRE(idle.send(encode(from_memory())));
    CHECK(idle.receive());
    CHECK(idle.closed_within(5s));
  }
  open_gate(server);
  CHECK(outcome(*decode(waits.receive().value())) == "NOERROR text of slow-a");
  REQUIRE(waits.send(encode(from_memory(2))));
  CHECK(decode(waits.receive().value())->id == 2);
  CHECK(waits.closed_within(5s));
  std::vector<std::uint16_t> ids;
  while (const auto answer = last.receive()) ids.push_back(decode(*answer)->id);
  CHECK(ids == std::vector<std::uint16_t>{2, 1, 3});  // the others are more than it may ask
}

TEST_CASE("fetched: a client that does not read its answers is cut off in the end") {
  const Server server(corefile("2s"));
  TcpClient client(server.endpoint());
  const Packet query = framed(encode(question("slow-a")));
  Packet pipelined;
  for (int i = 0; i < 1000; ++i) pipelined.insert(pipelined.end(), query.begin(), query.end());
  const int small = 2048;
  setsockopt(client.descriptor(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  REQUIRE(client.send_raw(pipelined));  // 256 of them wait; the others hear that there is no room
  CHECK(wait_until([&] { return server.metric("swage_fetch_waiting_queries") == 256; }, 10s));
  open_gate(server);
  CHECK(wait_until([&] { return server.metric("swage_fetch_waiting_queries") == 0; }, 10s));
  CHECK(outcome(server.ask_tcp(question("now-a"))) == "NOERROR text of now-a");
}

TEST_CASE("fetched: a wildcard socket answers from the address that was asked, also later") {
  const Server server("example.org {\n fetched @FOLDER@ 5s\n whoami\n}\n", {.workers = 2});
  std::vector<std::unique_ptr<UdpClient>> clients;
  for (const char* const address : {"127.0.0.1", "127.0.0.2", "127.99.1.7", "::1"}) {
    clients.push_back(std::make_unique<UdpClient>(Endpoint{*IpAddress::parse(address), server.port(), 0}));
    clients.back()->send(encode(question(fmt::format("slow-{}", clients.size()))));
  }
  REQUIRE(wait_for_wanted(server, 4));
  open_gate(server);
  for (const auto& client : clients) CHECK(total(receive(*client, 1)) == 1);
}

// One that closes in order may only have said that it asks nothing more: its queries stay until their time is over.
TEST_CASE("fetched: queries of TCP clients that are gone are forgotten") {
  const Server server(corefile("2s"));
  const auto waiting = [&] { return server.metric("swage_fetch_waiting_queries"); };
  {
    TcpClient in_order(server.endpoint()), reset(server.endpoint());
    for (std::uint16_t id = 0; id < 10; ++id) {
      REQUIRE(in_order.send(encode(question("never-a", id))));
      REQUIRE(reset.send(encode(question("never-b", id))));
    }
    REQUIRE(wait_until([&] { return waiting() == 20; }, 10s));
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(reset.descriptor(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  CHECK(wait_until([&] { return waiting() == 10; }, 1s));
  CHECK(outcome(server.ask(question("now-a"))) == "NOERROR text of now-a");
  CHECK(wait_until([&] { return waiting() == 0; }, 5s));
}

TEST_CASE("fetched: what does not come in time, fails, or takes too many steps, is SERVFAIL with a reason") {
  const Server server(corefile("400ms"));
  for (const bool tcp : {false, true}) {
    const auto ask = [&](const Question& each) { return tcp ? server.ask_tcp(each) : server.ask(each); };
    const auto begun = Clock::now();
    CHECK(outcome(ask(question("never-a"))) == "SERVFAIL 23");
    CHECK(Clock::now() - begun >= 400ms);
    CHECK(Clock::now() - begun < 2s);
    Question plain = question("never-b");
    plain.opt.reset();
    const Decoded without = ask(plain);
    CHECK(outcome(without) == "SERVFAIL");
    CHECK_FALSE(without.opt);
    CHECK(outcome(ask(question("fail-a"))) == "SERVFAIL 23");
  }
  const std::size_t before = wanted(server).size();
  CHECK(outcome(server.ask(question("again-a"))) == "SERVFAIL 0");
  CHECK(wanted(server).size() == before + 16);
  CHECK(outcome(server.ask(question("now-steps-14"))) == "NOERROR text of now-steps-14");
  CHECK(outcome(server.ask(question("now-steps-40"))) == "SERVFAIL 0");
  CHECK(outcome(server.ask(question("now-steps-30"))) == "NOERROR text of now-steps-30");  // 16 of them are there
  CHECK(server.log().find("the answer was not fetched in time") != std::string::npos);
  CHECK(server.metric("swage_fetch_refused_total{fetch=\"fetched\",reason=\"late\"}") == 4);
  CHECK(server.metric("swage_fetch_refused_total{fetch=\"fetched\",reason=\"failed\"}") == 2);
  CHECK(server.metric("swage_fetch_refused_total{fetch=\"fetched\",reason=\"too_often\"}") == 2);
}

TEST_CASE("fetched: a network that has its share is answered at once, and memory's answers come as fast as ever") {
  const Server server(corefile("3s"));
  const auto begun = Clock::now();
  const Crowd crowd(server, 5000, "never-");
  CHECK(crowd.receive(10ms) == std::map<std::string, int>{{"SERVFAIL 0", 2952}});
  CHECK(server.metric("swage_fetch_waiting_queries") == 2048);
  CHECK(server.metric("swage_fetch_refused_total{fetch=\"fetched\",reason=\"no_room\"}") == 2952);
  CHECK(server.metric("swage_fetch_over_share_total") == 2952);
  auto slowest = Clock::duration::zero();
  while (Clock::now() - begun < 4s) {  // also while the 2048 are answered
    const auto asked = Clock::now();
    CHECK(server.ask(from_memory()).rcode_text() == "NOERROR");
    slowest = std::max(slowest, Clock::now() - asked);
  }
  CHECK(slowest < 500ms);
  CHECK(crowd.receive(10ms) == std::map<std::string, int>{{"SERVFAIL 23", 2048}});
  CHECK(outcome(server.ask(question("now-a"))) == "NOERROR text of now-a");
  CHECK(server.metric("swage_fetch_waiting_queries") == 0);
}

TEST_CASE("fetched: one network floods with names that nobody knows, and another's answers are fetched as ever") {
  const Server server(
      "example.org {\n bind 127.0.0.1 ::1\n prometheus 127.0.0.1:@PORT2@\n fetched @FOLDER@ 2s\n whoami\n}\n");
  std::atomic<bool> over = false;
  std::thread flood([&] {
    const UdpClient client(loopback(server.port()));
    for (std::uint32_t i = 0; !over; ++i) {
      client.send(encode(question("never-" + std::to_string(i), static_cast<std::uint16_t>(i))));
      while (client.receive(Milliseconds(0))) {
      }
    }
  });
  CHECK(wait_until([&] { return server.metric("swage_fetch_over_share_total") > 1000; }, 20s));
  const UdpClient honest(Endpoint{*IpAddress::parse("::1"), server.port(), 0});
  int fetched = 0;
  for (std::uint16_t i = 0; i < 200; ++i) {
    for (int tries = 0; tries < 3; ++tries) {  // a socket's buffer that is full drops what comes
      honest.send(encode(question("now-" + std::to_string(i), i)));
      const auto answer = honest.receive(2s);
      if (!answer) continue;
      CHECK(outcome(*decode(*answer)) == "NOERROR text of now-" + std::to_string(i));
      ++fetched;
      break;
    }
  }
  over = true;
  flood.join();
  CHECK(fetched == 200);
}

TEST_CASE("fetched: the service process is killed while thousands wait: the next one is asked for all of it") {
  Server server(corefile("10s"), {.workers = 2});
  const UdpClient other(server.endpoint());
  const Crowd crowd(server, 2000, "slow-");
  REQUIRE(wait_for_wanted(server, 2000));
  for (int kills = 1; kills <= 2; ++kills) {
    const pid_t before = process(server, "@service");
    REQUIRE(kill(before, SIGKILL) == 0);
    CHECK(server.ask(from_memory()).rcode_text() == "NOERROR");
    other.send(encode(question("slow-0", static_cast<std::uint16_t>(kills))));  // meanwhile
    REQUIRE(wait_for_wanted(server, 2000 + 2000 * static_cast<std::size_t>(kills)));
    CHECK(process(server, "@service") != before);
  }
  open_gate(server);
  const auto answers = crowd.receive();
  CHECK(answers.size() == 2000);
  CHECK(answers.contains("NOERROR text of slow-1999"));
  CHECK(receive(other, 2) == std::map<std::string, int>{{"NOERROR text of slow-0", 2}});
}

TEST_CASE("fetched: where no service process comes in time, those who wait are told so in time") {
  Server server(corefile("1500ms"));
  REQUIRE(kill(process(server, "@service"), SIGSTOP) == 0);  // it is replaced after 4 s
  const auto begun = Clock::now();
  const Crowd crowd(server, 500, "now-");
  CHECK(crowd.receive() == std::map<std::string, int>{{"SERVFAIL 23", 500}});
  CHECK(Clock::now() - begun >= 1400ms);
  CHECK(Clock::now() - begun < 3500ms);
  CHECK(wait_until([&] { return outcome(server.ask(question("now-a"))) == "NOERROR text of now-a"; }, 20s));
}

TEST_CASE("fetched: a reload while queries wait: they are answered, and those that come after it, too") {
  Server server(corefile("5s"), {.workers = 2});
  const UdpClient client(server.endpoint());
  TcpClient tcp(server.endpoint());
  for (std::uint16_t id = 0; id < 100; ++id) {
    client.send(encode(question(fmt::format("slow-{}", id), id)));
    REQUIRE(tcp.send(encode(question(fmt::format("slow-{}", id), id))));
  }
  REQUIRE(wait_for_wanted(server, 100));
  reload(server);
  const UdpClient later(server.endpoint());
  later.send(encode(question("slow-0")));
  REQUIRE(wait_for_wanted(server, 101));  // of another service process
  open_gate(server);
  CHECK(receive(client, 100).size() == 100);
  for (int i = 0; i < 100; ++i) {
    const auto answer = tcp.receive();
    REQUIRE(answer);
    CHECK(outcome(*decode(*answer)).starts_with("NOERROR text of slow-"));
  }
  CHECK(receive(later, 1) == std::map<std::string, int>{{"NOERROR text of slow-0", 1}});
  CHECK(wait_until([&] { return children(server.process().pid(), "@").size() == 5; }, 10s));
}

TEST_CASE("fetched: the end of the server while queries wait: they are answered, and it ends") {
  Server server(corefile("1s"));
  const UdpClient client(server.endpoint());
  TcpClient tcp(server.endpoint());
  for (std::uint16_t id = 0; id < 50; ++id) {
    client.send(encode(question(fmt::format("never-{}", id), id)));
    REQUIRE(tcp.send(encode(question(fmt::format("never-{}", id), id))));
  }
  REQUIRE(wait_for_wanted(server, 50));
  const auto begun = Clock::now();
  CHECK(server.stop().clean());
  CHECK(Clock::now() - begun < 4s);
  CHECK(receive(client, 50) == std::map<std::string, int>{{"SERVFAIL 23", 50}});
  for (int i = 0; i < 50; ++i) CHECK(tcp.receive());
}

TEST_CASE("fetched: a dns process that is killed takes its own queries with it, and nothing else") {
  Server server(corefile("5s"), {.workers = 2});
  std::vector<std::unique_ptr<UdpClient>> clients;
  for (std::uint16_t i = 0; i < 40; ++i) {
    clients.push_back(std::make_unique<UdpClient>(server.endpoint()));
    clients.back()->send(encode(question("slow-" + std::to_string(i), i)));
  }
  REQUIRE(wait_for_wanted(server, 40));
  const pid_t victim = process(server, "@dns"), service = process(server, "@service");
  REQUIRE(kill(victim, SIGKILL) == 0);
  REQUIRE(wait_until(
      [&] { return process(server, "@dns") != victim && children(server.process().pid(), "@dns").size() == 2; }, 10s));
  open_gate(server);
  CHECK(wait_until([&] { return server.metric("swage_fetch_waiting_queries") == 0; }, 10s));
  std::size_t answered = 0;
  for (const auto& client : clients) answered += total(receive(*client, 1, 20ms));
  CHECK(answered > 0);
  CHECK(answered < 40);
  for (int i = 0; i < 20; ++i) CHECK(outcome(server.ask(question("now-" + std::to_string(i)))).starts_with("NOERROR"));
  CHECK(process(server, "@service") == service);
}

namespace {

// The end of a fetch line that a process has: it has two SEQPACKET sockets, the other one is its channel.
server::FetchLine line_of(pid_t pid) {
  const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  for (int fd = 4; fd < 64; ++fd) {
    Descriptor copy(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
    int type = 0;
    socklen_t size = sizeof type;
    if (copy.exists() && getsockopt(copy.get(), SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET) {
      return server::FetchLine(std::move(copy));
    }
  }
  return {};
}

}  // namespace

TEST_CASE("fetched: a dns process that was taken over gets no more of the service process than its share") {
  if (geteuid() != 0) {
    WARN("SKIPPED: only root can take the place of another process");
    return;
  }
  const char* const sanitizers = std::getenv("ASAN_OPTIONS");  // what is freed is free again
  const std::string options = std::string(sanitizers == nullptr ? "" : sanitizers) + ":quarantine_size_mb=4";
  Server server(corefile("1s"), {.workers = 2, .environment = {{"ASAN_OPTIONS", options}}});
  const pid_t service = process(server, "@service"), victim = process(server, "@dns");
  REQUIRE(kill(victim, SIGSTOP) == 0);
  const auto resident = [&] {
    std::istringstream status(read_file("/proc/" + std::to_string(service) + "/status"));
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) return std::strtol(line.c_str() + 6, nullptr, 10);
    }
    return 0L;
  };
  const long before = resident();
  const server::FetchLine line = line_of(victim);
  REQUIRE(line.exists());
  std::uint32_t ticket = 0;
  for (const auto until = Clock::now() + 1s; Clock::now() < until;) {
    server::FetchPacket packet;
    for (int i = 0; i < 100; ++i) {
      ++ticket;
      REQUIRE(packet.add(
          {server::FetchMessage::Kind::want, ticket, 1, ticket, as_bytes("never-" + std::to_string(ticket))}));
      REQUIRE(packet.add({server::FetchMessage::Kind::forget, ticket}));
    }
    if (!line.send(packet.bytes())) std::this_thread::sleep_for(1ms);
  }
  CHECK(wanted(server).size() <= 16'384);
  CHECK(resident() - before < 64 << 10);  // KiB
  server::FetchPacket wrong;
  REQUIRE(wrong.add({server::FetchMessage::Kind::want, 1, 99, 0, as_bytes("key")}));
  CHECK(wait_until([&] { return line.send(wrong.bytes()); }, 10s));
  CHECK(server.process().wait_for("it wants what is not for it to want", kPatience));
  CHECK(process(server, "@service") == service);
  // Others are answered, and the process that takes its place, too.
  CHECK(wait_until([&] { return kill(victim, 0) != 0; }, 20s));
  CHECK(wait_until([&] { return children(server.process().pid(), "@dns").size() == 2; }, 10s));
  for (int i = 0; i < 20; ++i) {
    const UdpClient client(server.endpoint());
    client.send(encode(question("now-" + std::to_string(i))));
    CHECK(total(receive(client, 1)) == 1);
  }
  CHECK(process(server, "@service") == service);
}

TEST_CASE("fetched: under load, whoever is killed and however often it is reloaded, nothing stays behind", "[.long]") {
  Server server(corefile("2s"), {.workers = 2});
  open_gate(server);
  const pid_t supervisor = server.process().pid();
  for (const char* const kind : {"@service", "@dns"}) {  // what the supervisor has once a process has ended
    const pid_t victim = process(server, kind);
    kill(victim, SIGKILL);
    REQUIRE(wait_until([&] { return process(server, kind) != victim && children(supervisor, "@").size() == 5; }, 20s));
  }
  reload(server);
  REQUIRE(wait_until([&] { return children(supervisor, "@").size() == 5; }, 40s));
  const auto descriptors = [](pid_t pid) {
    const std::filesystem::directory_iterator entries("/proc/" + std::to_string(pid) + "/fd");
    return std::distance(begin(entries), end(entries));
  };
  const auto before = descriptors(supervisor);
  const auto of_service = descriptors(process(server, "@service"));
  std::atomic<bool> ends{false};
  std::atomic<std::size_t> sent{0}, received{0};
  std::thread load([&] {
    for (std::size_t round = 0; !ends; ++round) {
      const UdpClient client(server.endpoint());
      for (std::uint16_t id = 0; id < 50; ++id) {
        const char* const kind = std::array{"now", "slow", "fail", "never"}[id % 4];
        client.send(encode(question(fmt::format("{}-{}-{}", kind, round, id), id)));
      }
      sent += 50;
      for (int i = 0; i < 50; ++i) received += client.receive(20ms) ? 1 : 0;
    }
  });
  std::uint64_t random = 1;
  for (const auto until = Clock::now() + 20s; Clock::now() < until;) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    const auto choice = (random >> 33) % 4;
    if (choice == 0) kill(process(server, "@service"), SIGKILL);
    if (choice == 1) kill(process(server, "@dns"), SIGKILL);
    if (choice > 1) server.process().signal(SIGUSR1);
    std::this_thread::sleep_for(std::chrono::milliseconds((random >> 40) % 700));
  }
  ends = true;
  load.join();
  WARN(sent << " queries, " << received << " answers at once");
  CHECK(received > 0);
  CHECK(wait_until([&] { return children(supervisor, "@").size() == 5; }, 40s));
  CHECK(wait_until([&] { return outcome(server.ask(question("now-after"))) == "NOERROR text of now-after"; }, 10s));
  CHECK(wait_until([&] { return server.metric("swage_fetch_waiting_queries") == 0; }, 10s));
  CHECK(wait_until([&] { return descriptors(supervisor) <= before; }, 10s));
  CHECK(wait_until([&] { return descriptors(process(server, "@service")) <= of_service + 4; }, 10s));
}
