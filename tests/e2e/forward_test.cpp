// forward and loop in a swage: over UDP and TCP, from real nameservers and from ones that do wrong, while the process
// that asks them is killed.
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "core/async/tls_testing.h"
#include "tests/support/peers.h"
#include "tests/support/server.h"
#include "tests/support/upstream.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;
using Reply = UpstreamServer::Reply;
using Clock = std::chrono::steady_clock;

std::string corefile(const Endpoint& to, std::string_view rest = {}) {
  return fmt::format(
      ".:@PORT@ {{\n bind 127.0.0.1\n errors\n prometheus 127.0.0.1:@PORT2@\n forward . {} {{\n{}\n }}\n}}\n",
      to.to_string(), rest);
}

Question about(std::string_view name, std::string_view type = "A") {
  Question question{.name = std::string(name), .type = std::string(type)};
  question.flags = kRd;
  question.opt = Opt{};
  return question;
}

pid_t fetch_of(Server& server) {
  const auto all = children(server.process().pid(), "@fetch");
  return all.empty() ? -1 : all.front();
}

}  // namespace

TEST_CASE("forward: what a nameserver says is passed on, in the client's spelling") {
  Server authority("example.org:@PORT@ {\n bind 127.0.0.1\n file zones/example.org\n}\n");
  const Server server(corefile(authority.endpoint()), {.workers = 2});
  for (const char* name : {"example.org.", "www.example.org.", "WwW.eXample.org.", "nothing.example.org."}) {
    for (const char* type : {"A", "SOA", "NS", "MX", "TXT"}) {
      const Decoded direct = authority.ask(about(name, type)), by_way = server.ask(about(name, type));
      CHECK(by_way.to_string() == direct.to_string());
      CHECK(server.ask_tcp(about(name, type)).answer == direct.answer);
    }
  }
}

TEST_CASE("forward: from Knot DNS, and from unbound") {
  if (!have_peer("knotd") || !have_peer("unbound")) return;
  const Folder folder, other;
  const auto knot = Peer::knot(folder, {{"example.org.", std::filesystem::absolute("zones/example.org").string()}});
  REQUIRE(knot);
  const auto unbound = Peer::unbound(other, {.authority = knot->endpoint(), .zones = {"example.org."}});
  REQUIRE(unbound);
  for (const Peer* peer : {&*knot, &*unbound}) {
    const Server server(corefile(peer->endpoint()));
    for (const char* type : {"A", "AAAA", "SOA", "NS", "MX", "TXT", "SRV"}) {
      for (const char* name : {"example.org.", "www.example.org.", "nothing.example.org."}) {
        const auto direct = ask_udp(peer->endpoint(), encode(about(name, type)));
        REQUIRE(direct);
        const Decoded theirs = *decode(*direct), ours = server.ask(about(name, type));
        CHECK(ours.rcode_text() == theirs.rcode_text());
        const auto without_ttl = [](std::vector<std::string> records) {
          for (std::string& record : records) {
            const std::size_t start = record.find(' ');
            record.erase(start, record.find(' ', start + 1) - start);
          }
          return std::set<std::string>(records.begin(), records.end());
        };
        CHECK(without_ttl(ours.answer) == without_ttl(theirs.answer));
        CHECK(without_ttl(ours.authority) == without_ttl(theirs.authority));
      }
    }
  }
}

TEST_CASE("forward: one question goes upstream for all who want the same") {
  std::mutex gate;
  std::unique_lock closed(gate);
  std::atomic<unsigned> asked = 0;
  const UpstreamServer upstream([&](const Packet& query, bool) {
    if (query[12] == 0) return Reply{{answer_to(query)}};
    ++asked;
    const std::lock_guard wait(gate);
    return Reply{{answer_to(query)}};
  });
  const Server server(corefile(upstream.endpoint()), {.workers = 2});
  std::vector<std::unique_ptr<UdpClient>> clients;
  for (std::uint16_t id = 0; id < 20; ++id) {
    clients.push_back(std::make_unique<UdpClient>(server.endpoint()));
    Question question = about("same.example.org.");
    question.id = id;
    clients.back()->send(encode(question));
  }
  REQUIRE(wait_until([&] { return asked > 0; }, 20s));
  closed.unlock();
  for (const auto& client : clients) {
    const auto answer = client->receive();
    REQUIRE(answer);
    CHECK(decode(*answer)->answer == std::vector<std::string>{"same.example.org. 60 IN A 192.0.2.1"});
  }
  CHECK(asked <= 3);  // a datagram may have been taken for lost
}

TEST_CASE("forward: an upstream that is dead is left out; where all are, it is SERVFAIL with the reason") {
  const UpstreamServer dead([](const Packet&, bool) { return Reply{}; });
  const UpstreamServer good([](const Packet& query, bool) { return Reply{{answer_to(query)}}; });
  const std::string to = dead.endpoint().to_string() + " " + good.endpoint().to_string();
  const Server server(
      fmt::format(".:@PORT@ {{\n bind 127.0.0.1\n forward . {} {{\n  policy sequential\n }}\n}}\n"
                  "dead.example:@PORT@ {{\n bind 127.0.0.1\n forward . {}\n}}\n",
                  to, dead.endpoint().to_string()));
  CHECK(server.ask(about("a.example.")).rcode_text() == "NOERROR");
  REQUIRE(wait_until([&] { return server.log().find("is down") != std::string::npos; }, 20s));
  const auto begun = Clock::now();
  CHECK(server.ask(about("b.example.")).rcode_text() == "NOERROR");
  CHECK(Clock::now() - begun < 1s);
  const UdpClient client(server.endpoint());
  client.send(encode(about("a.dead.example.")));
  const auto answer = client.receive(Milliseconds(8000));
  REQUIRE(answer);
  const auto decoded = decode(*answer);
  CHECK(decoded->rcode_text() == "SERVFAIL");
  REQUIRE(decoded->opt);
  CHECK(decoded->opt->option(15) != nullptr);
}

TEST_CASE("forward: the process that asks is killed under load, and every query is answered") {
  const UpstreamServer upstream([](const Packet& query, bool) { return Reply{{answer_to(query)}}; });
  Server server(corefile(upstream.endpoint()), {.workers = 2});
  std::map<std::string, int> outcomes;
  for (int round = 0; round < 3; ++round) {
    const pid_t service = fetch_of(server);
    const UdpClient client(server.endpoint());
    for (std::uint16_t id = 0; id < 200; ++id) {
      Question question = about(fmt::format("n{}-{}.example.org.", round, id));
      question.id = id;
      client.send(encode(question));
      if (id == 100) REQUIRE(kill(service, SIGKILL) == 0);
    }
    for (int i = 0; i < 200; ++i) {
      const auto answer = client.receive(Milliseconds(10000));
      ++outcomes[answer ? decode(*answer)->rcode_text() : "none"];
    }
    REQUIRE(wait_until([&] { return fetch_of(server) != service && fetch_of(server) > 0; }, 20s));
  }
  INFO(fmt::format("{}", outcomes["SERVFAIL"]));
  CHECK(outcomes["none"] == 0);
  CHECK(outcomes["NOERROR"] + outcomes["SERVFAIL"] == 600);
  CHECK(outcomes["NOERROR"] > 500);
}

TEST_CASE("forward: an upstream that floods, and names that nobody answers, do not slow others") {
  const UpstreamServer upstream([](const Packet& query, bool) {
    if (query[12] == 4) return Reply{};  // "slow"
    Packet forged = answer_to(query, 66);
    forged[0] ^= 1;
    std::vector<Packet> all(30, forged);
    all.push_back(answer_to(query));
    return Reply{all};
  });
  const Server server(corefile(upstream.endpoint(), "  max_fails 0"));
  const UdpClient flood(server.endpoint());
  for (std::uint16_t id = 0; id < 500; ++id) flood.send(encode(about(fmt::format("slow.n{}.example.", id))));
  for (int i = 0; i < 20; ++i) {
    const auto begun = Clock::now();
    CHECK(server.ask(about(fmt::format("fast{}.example.", i))).answer ==
          std::vector<std::string>{fmt::format("fast{}.example. 60 IN A 192.0.2.1", i)});
    CHECK(Clock::now() - begun < 2s);
  }
}

TEST_CASE("forward: a network that floods all dns processes keeps no other network's questions waiting") {
  const UpstreamServer upstream([](const Packet& query, bool) {
    return query[12] == 4 ? Reply{} : Reply{{answer_to(query)}};  // "slow"
  });
  const std::string to = upstream.endpoint().to_string();
  const Server server(
      fmt::format(".:@PORT@ {{\n bind 127.0.0.1 ::1\n prometheus 127.0.0.1:@PORT2@\n forward . {} {{\n  max_fails 0\n"
                  " }}\n}}\nfew:@PORT@ {{\n bind 127.0.0.1 ::1\n forward . {} {{\n  max_fails 0\n  max_concurrent "
                  "100\n }}\n}}\n",
                  to, to),
      {.workers = 2});
  std::vector<std::unique_ptr<UdpClient>> flood;
  const auto pour = [&](int clients, int each, std::string_view zone) {
    for (int i = 0; i < clients; ++i) {
      flood.push_back(std::make_unique<UdpClient>(server.endpoint()));
      for (int j = 0; j < each; ++j) flood.back()->send(encode(about(fmt::format("slow.n{}-{}.{}", i, j, zone))));
      std::this_thread::sleep_for(2ms);  // not faster than it can
    }
  };
  const UdpClient honest(Endpoint{*IpAddress::parse("::1"), server.port(), 0});
  const auto arrives = [&](const std::string& name) {
    const auto begun = Clock::now();
    honest.send(encode(about(name)));
    const auto answer = honest.receive(Milliseconds(1000));
    return answer && decode(*answer)->answer.size() == 1 && Clock::now() - begun < 500ms;
  };
  int fast = 0, fast_of_few = 0;
  pour(20, 10, "few.");
  for (int i = 0; i < 50; ++i) fast_of_few += arrives(fmt::format("fast{}.few.", i)) ? 1 : 0;
  CHECK(fast_of_few == 50);
  pour(60, 100, "example.");  // what both dns processes let a network have, and more
  CHECK(server.metric("swage_fetch_waiting_queries") > 3000);
  for (int i = 0; i < 200; ++i) fast += arrives(fmt::format("fast{}.example.", i)) ? 1 : 0;
  CHECK(fast == 200);
  CHECK(server.metric("swage_fetch_queued_keys_total") > 500);
  CHECK(server.metric("swage_fetch_keys") <= 2048 + 50);  // the health of upstreams is not looked at
}

TEST_CASE("forward: more names that nobody answers than may wait do not slow answers from memory") {
  const UpstreamServer upstream([](const Packet&, bool) { return Reply{}; });
  Server server("own.example:@PORT@ {\n bind 127.0.0.1\n whoami\n}\n.:@PORT@ {\n bind 127.0.0.1\n forward . " +
                    upstream.endpoint().to_string() + " {\n  max_fails 0\n }\n}\n",
                {.wait = false});
  REQUIRE(wait_until(
      [&] { return ask_udp(server.endpoint(), encode(about("own.example.")), Milliseconds(100)).has_value(); }, 20s));
  const UdpClient flood(server.endpoint());
  std::vector<std::chrono::nanoseconds> times;
  for (int i = 0; i < 8000; ++i) {
    flood.send(encode(about(fmt::format("n{}.flood.example.", i))));
    if (i % 100 != 0) continue;
    const auto begun = Clock::now();
    CHECK(server.ask(about("own.example.")).rcode_text() == "NOERROR");
    times.push_back(Clock::now() - begun);
  }
  std::ranges::sort(times);
  CHECK(times[times.size() * 9 / 10] < 500ms);
  const std::string service = std::to_string(fetch_of(server));
  std::size_t descriptors = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/" + service + "/fd"))
    ++descriptors;
  CHECK(descriptors < 4300);
}

// Like resperf: more and more questions that nobody answers, until the park is full and beyond; meanwhile answers from
// a zone take no longer than before.
TEST_CASE("forward: while ever more is asked that nobody answers, answers from a zone take as long as before") {
  const UpstreamServer upstream([](const Packet&, bool) { return Reply{}; });
  Server server(
      "example.org:@PORT@ {\n bind 127.0.0.1\n file zones/example.org\n}\nflood.example:@PORT@ {\n bind 127.0.0.1\n"
      " prometheus 127.0.0.1:@PORT2@\n forward . " +
      upstream.endpoint().to_string() + " {\n  max_fails 0\n }\n}\n");
  const UdpClient flood(server.endpoint());
  std::vector<std::chrono::nanoseconds> p99;
  std::size_t asked = 0;
  for (const int rate : {0, 500, 1000, 2000, 4000, 8000}) {  // a second
    std::vector<std::chrono::nanoseconds> times;
    for (const auto until = Clock::now() + 1s; Clock::now() < until;) {
      for (int i = 0; i < rate / 100; ++i) flood.send(encode(about(fmt::format("n{}.flood.example.", asked++))));
      const auto begun = Clock::now();
      CHECK(server.ask(about("www.example.org.")).rcode_text() == "NOERROR");
      times.push_back(Clock::now() - begun);
      if (times.back() < 10ms) std::this_thread::sleep_for(10ms - times.back());
    }
    std::ranges::sort(times);
    p99.push_back(times[times.size() * 99 / 100]);
    WARN(fmt::format("{} a second beside it: p50 {} µs, p99 {} µs", rate, times[times.size() / 2].count() / 1000,
                     p99.back().count() / 1000));
  }
  CHECK(server.metric(
            "swage_fetch_refused_total{fetch=\"forward flood.example. at 127.0.0.1:" + std::to_string(server.port()) +
            " 1: . " + upstream.endpoint().to_string() + "\",reason=\"no_room\"}") > 1000);
  for (const auto each : p99) CHECK(each < p99.front() + 100ms);  // a busy machine's share
}

TEST_CASE("forward: upstreams that are slow, dead, lie, truncate, close and flood, all at once, cost nobody else") {
  const auto cut = [](Packet packet, std::size_t size) {
    return Packet(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
  };
  const UpstreamServer slow([](const Packet& query, bool) {
    std::this_thread::sleep_for(20ms);  // one after the other
    return Reply{{answer_to(query)}};
  });
  const UpstreamServer dead([](const Packet&, bool) { return Reply{}; });
  const UpstreamServer liar([](const Packet& query, bool) {
    Packet id = answer_to(query, 66), question = answer_to(query, 66);
    id[0] ^= 1;
    question[13] ^= 1;
    return Reply{{id, question}};
  });
  const UpstreamServer truncating([](const Packet& query, bool) {  // over TCP, too
    Packet answer = answer_to(query, 66);
    answer[2] |= 2;
    return Reply{{answer}};
  });
  const UpstreamServer closing([cut](const Packet& query, bool tcp) {
    Packet answer = answer_to(query, 66);
    answer[2] |= 2;
    return tcp ? Reply{{cut(answer, 5)}, true} : Reply{{answer}};
  });
  const UpstreamServer malformed([cut](const Packet& query, bool) {
    const Packet answer = answer_to(query, 66);
    return Reply{{cut(answer, answer.size() - 3)}};
  });
  const UpstreamServer flooding([](const Packet& query, bool) {
    Packet forged = answer_to(query, 66);
    forged[0] ^= 1;
    return Reply{std::vector<Packet>(100, forged)};
  });
  const UpstreamServer good([](const Packet& query, bool) { return Reply{{answer_to(query)}}; });
  const std::map<std::string, Endpoint> bad = {{"slow", slow.endpoint()},        {"dead", dead.endpoint()},
                                               {"liar", liar.endpoint()},        {"truncating", truncating.endpoint()},
                                               {"closing", closing.endpoint()},  {"malformed", malformed.endpoint()},
                                               {"flooding", flooding.endpoint()}};
  std::string text =
      "example.org:@PORT@ {\n bind 127.0.0.1\n prometheus 127.0.0.1:@PORT2@\n file zones/example.org\n}\n";
  for (const auto& [zone, to] : bad) {
    text += fmt::format("{}:@PORT@ {{\n bind 127.0.0.1\n cache\n forward . {}\n}}\n", zone, to.to_string());
  }
  text += fmt::format("good:@PORT@ {{\n bind 127.0.0.1 ::1\n forward . {}\n}}\n", good.endpoint().to_string());
  Server server(text, {.workers = 2});
  const pid_t fetch = fetch_of(server);
  const auto memory = [&] {
    const std::string status = read_file("/proc/" + std::to_string(fetch) + "/status");
    return std::strtoull(status.c_str() + status.find("VmRSS:") + 6, nullptr, 10) >> 10;  // MB
  };
  const auto descriptors = [&] {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(fetch) + "/fd");
    return std::distance(begin(all), end(all));
  };
  const auto memory_before = memory();
  const auto descriptors_before = descriptors();
  std::vector<std::unique_ptr<UdpClient>> clients;
  std::size_t sent = 0;
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<UdpClient>(server.endpoint()));
  const UdpClient other(Endpoint{*IpAddress::parse("::1"), server.port(), 0});  // of another network
  int honest = 0;
  for (int round = 0; round < 40; ++round) {
    for (const auto& client : clients) {
      for (const auto& [zone, to] : bad) client->send(encode(about(fmt::format("n{}.{}.", sent++, zone))));
    }
    const auto begun = Clock::now();
    CHECK(server.ask(about("www.example.org.")).rcode_text() == "NOERROR");
    const auto of_zone = Clock::now() - begun;
    other.send(encode(about(fmt::format("a{}.good.", round))));
    const auto answer = other.receive(Milliseconds(5000));
    CHECK((answer && decode(*answer)->answer.size() == 1));
    if (of_zone < 200ms && Clock::now() - begun < 1s) ++honest;
  }
  CHECK(honest >= 36);
  CHECK(fetch_of(server) == fetch);
  CHECK(memory() < memory_before + 200);
  CHECK(descriptors() < descriptors_before + 5000);
  std::map<std::string, int> lied;
  for (const auto& client : clients) {
    while (const auto answer = client->receive(Milliseconds(sent > 0 ? 7000 : 0))) {
      const auto decoded = decode(*answer);
      REQUIRE(decoded);
      if (!decoded->answer.empty() && decoded->answer[0].ends_with("192.0.2.66")) ++lied[decoded->answer[0]];
    }
    sent = 0;
  }
  for (const auto& [record, count] : lied)
    CHECK(record.find("truncating.") != std::string::npos);  // it is what it said
  CHECK(wait_until([&] { return descriptors() < descriptors_before + 100; }, 20s));
  CHECK(server.ask(about("last.good.")).answer.size() == 1);
  const std::string metrics = server.metrics();
  for (const char* const name : {"coredns_proxy_healthcheck_failures_total{", "swage_fetch_refused_total{",
                                 "coredns_cache_drops_total{", "coredns_proxy_conn_cache_misses_total{"}) {
    CHECK(metrics.find(name) != std::string::npos);
  }
}

TEST_CASE("forward: over TLS, to an upstream that shows the right certificate") {
  const Folder folder;
  const auto authority = async::testing::make_tls_identity("");
  const auto identity = async::testing::make_tls_identity("DNS:dns.example", &authority);
  const std::string ca = folder.write("ca.pem", authority.certificate_pem);
  const Port port;
  auto upstream = Process::start(
      {.arguments = {"python3", "tests/e2e/dot_server.py", folder.write("cert.pem", identity.certificate_pem),
                     folder.write("key.pem", identity.key_pem), std::to_string(port.number())}});
  REQUIRE(upstream);
  REQUIRE(wait_until([&] { return TcpClient(port.v4()).connected(); }, 20s));
  const auto block = [&](std::string_view zone, std::string_view to, std::string_view rest) {
    return fmt::format("{}:@PORT@ {{\n bind 127.0.0.1\n forward . tls://{}:{} {{\n  {}\n }}\n}}\n", zone, to,
                       port.number(), rest);
  };
  const Server server(block(".", "127.0.0.1", "tls " + ca + "\n  tls_servername dns.example") +
                      block("other.example", "127.0.0.1%dns.example", "tls " + ca) +
                      block("wrong.example", "127.0.0.1", "tls " + ca + "\n  tls_servername dns.example.net") +
                      block("system.example", "127.0.0.1", "tls_servername dns.example"));
  for (int i = 0; i < 5; ++i) {
    for (const char* zone : {"right.example.", "other.example."}) {
      const std::string name = fmt::format("a{}.{}", i, zone);
      CHECK(server.ask(about(name)).answer == std::vector<std::string>{name + " 60 IN A 192.0.2.9"});
    }
  }
  for (const char* name : {"a.wrong.example.", "a.system.example."}) {
    CHECK(server.ask(about(name)).rcode_text() == "SERVFAIL");
  }
  CHECK(server.log().find("hostname mismatch") != std::string::npos);
  const std::string connections = upstream->output();
  CHECK(std::ranges::count(connections, '\n') == 2);  // kept for all questions; the others did not come about
  CHECK(connections.starts_with("connection dot\n"));
}

TEST_CASE("forward: over TLS, to an upstream that wants to know who asks") {
  const Folder folder;
  const auto authority = async::testing::make_tls_identity("");
  const auto identity = async::testing::make_tls_identity("DNS:dns.example", &authority);
  const auto ours = async::testing::make_tls_identity("DNS:client.example", &authority);
  const std::string ca = folder.write("ca.pem", authority.certificate_pem),
                    certificate = folder.write("our.pem", ours.certificate_pem),
                    key = folder.write("our.key", ours.key_pem);
  const Port port;
  auto upstream = Process::start(
      {.arguments = {"python3", "tests/e2e/dot_server.py", folder.write("cert.pem", identity.certificate_pem),
                     folder.write("key.pem", identity.key_pem), std::to_string(port.number()), ca}});
  REQUIRE(upstream);
  REQUIRE(wait_until([&] { return TcpClient(port.v4()).connected(); }, 20s));
  const auto block = [&](std::string_view zone, std::string_view files) {
    return fmt::format(
        "{}:@PORT@ {{\n bind 127.0.0.1\n forward . tls://127.0.0.1%dns.example:{} {{\n  tls {}\n }}\n}}\n", zone,
        port.number(), files);
  };
  const Server server(block("shown.example", certificate + " " + key + " " + ca) + block("unknown.example", ca));
  CHECK(server.ask(about("a.shown.example.")).answer == std::vector<std::string>{"a.shown.example. 60 IN A 192.0.2.9"});
  CHECK(server.ask(about("a.unknown.example.")).rcode_text() == "SERVFAIL");
}

namespace {

// What an upstream over HTTPS needs, and what its clients do to believe it.
struct HttpsFiles {
  async::testing::TlsIdentity authority = async::testing::make_tls_identity("");
  async::testing::TlsIdentity identity = async::testing::make_tls_identity("DNS:dns.example", &authority);
  Folder folder;
  std::string ca = folder.write("ca.pem", authority.certificate_pem),
              certificate = folder.write("cert.pem", identity.certificate_pem),
              key = folder.write("key.pem", identity.key_pem);
  Port port;

  [[nodiscard]] std::string block(std::string_view zone, std::string_view to, std::string_view rest) const {
    return fmt::format("{}:@PORT@ {{\n bind 127.0.0.1\n forward . https://{}:{} {{\n  {}\n }}\n}}\n", zone, to,
                       port.number(), rest);
  }
};

}  // namespace

TEST_CASE("forward: over HTTPS, to unbound, by POST and by GET") {
  if (!have_peer("unbound")) return;
  const HttpsFiles files;
  const std::string config = fmt::format(
      "server:\n interface: 127.0.0.1@{0}\n https-port: {0}\n tls-service-key: {1}\n tls-service-pem: {2}\n"
      " do-daemonize: no\n username: \"\"\n chroot: \"\"\n directory: {3}\n pidfile: \"\"\n use-syslog: no\n"
      " local-zone: example. redirect\n local-data: \"example. 60 IN A 192.0.2.9\"\nremote-control:\n control-enable: "
      "no\n",
      files.port.number(), files.key, files.certificate, files.folder.path());
  auto upstream =
      Process::start({.arguments = {"unbound", "-d", "-p", "-c", files.folder.write("unbound.conf", config)}});
  REQUIRE(upstream);
  REQUIRE(wait_until([&] { return TcpClient(files.port.v4()).connected(); }, 20s));
  const Server server(files.block(".", "127.0.0.1", "tls " + files.ca + "\n  tls_servername dns.example") +
                      files.block("get.example", "127.0.0.1%dns.example", "tls " + files.ca + "\n  doh_method GET") +
                      files.block("wrong.example", "127.0.0.1%dns.example.net", "tls " + files.ca) +
                      files.block("system.example", "127.0.0.1%dns.example", "doh_method POST"));
  for (int i = 0; i < 5; ++i) {
    for (const char* zone : {"post.example.", "get.example."}) {
      const std::string name = fmt::format("a{}.{}", i, zone);
      CHECK(server.ask(about(name)).answer == std::vector<std::string>{name + " 60 IN A 192.0.2.9"});
    }
  }
  for (const char* name : {"a.wrong.example.", "a.system.example."}) {
    CHECK(server.ask(about(name)).rcode_text() == "SERVFAIL");
  }
}

TEST_CASE("forward: over HTTPS, whatever else the server says is no answer") {
  const HttpsFiles files;
  auto upstream = Process::start({.arguments = {"python3", "tests/e2e/doh_server.py", files.certificate, files.key,
                                                std::to_string(files.port.number())}});
  REQUIRE(upstream);
  REQUIRE(wait_until([&] { return TcpClient(files.port.v4()).connected(); }, 20s));
  Server server(files.block(".", "127.0.0.1%dns.example", "tls " + files.ca + "\n  max_fails 0") +
                files.block("get", "127.0.0.1%dns.example", "tls " + files.ca + "\n  max_fails 0\n  doh_method GET"));
  const pid_t fetch = fetch_of(server);
  const UdpClient client(server.endpoint());
  const char* const kinds[] = {"status", "type", "long", "elsewhere", "foreign", "empty", "gone"};
  for (const char* kind : kinds) {
    for (const char* method : {"post.", "get."}) client.send(encode(about(fmt::format("{}.{}", kind, method))));
  }
  for (int i = 0; i < 5; ++i) {
    for (const char* method : {"post.", "get."}) {
      const std::string name = fmt::format("right.{}.{}", i, method);
      CHECK(server.ask(about(name)).answer == std::vector<std::string>{name + " 60 IN A 192.0.2.9"});
    }
  }
  for (std::size_t i = 0; i < 2 * std::size(kinds); ++i) {
    const auto answer = client.receive(Milliseconds(8000));
    REQUIRE(answer);
    CHECK(decode(*answer)->rcode_text() == "SERVFAIL");
  }
  CHECK(fetch_of(server) == fetch);
  const std::string requests = upstream->output();
  CHECK(requests.find("POST 0\n") != std::string::npos);
  CHECK(requests.find("GET 0\n") != std::string::npos);
}

TEST_CASE("forward: who has answered is metadata, and what an upstream says of errors is passed on") {
  const UpstreamServer upstream([](const Packet& query, bool) {
    Packet answer = answer_to(query, 0, 3);
    store_u16(&answer[10], 1);
    const std::array<std::uint8_t, 21> opt{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 10, 0, 15, 0, 6, 0, 17, 'a', 'd', 's', '!'};
    answer.insert(answer.end(), opt.begin(), opt.end());
    return Reply{{answer}};
  });
  Server server(fmt::format(
      ".:@PORT@ {{\n bind 127.0.0.1\n metadata\n log . \"{{name}} from {{/forward/upstream}}.\"\n forward . {}\n}}\n",
      upstream.endpoint().to_string()));
  const Decoded answer = server.ask(about("a.example."));
  CHECK(answer.rcode_text() == "NXDOMAIN");
  REQUIRE(answer.opt);
  CHECK(answer.opt->options == std::vector{Option{15, {0, 17, 'a', 'd', 's', '!'}}});
  CHECK(server.process().wait_for("a.example. from " + upstream.endpoint().to_string() + ".", Milliseconds(20000)));
}

TEST_CASE("forward: to a host by its name, which another resolver knows") {
  const UpstreamServer upstream([](const Packet& query, bool) { return Reply{{answer_to(query)}}; });
  const UpstreamServer resolver([](const Packet& query, bool) {
    const bool is_a = std::find(query.begin() + 12, query.end(), 0)[2] == 1;  // the name's end, then the type
    Packet answer = answer_to(query, 1, is_a ? 0 : 3);
    if (is_a) std::ranges::copy(std::array<std::uint8_t, 4>{127, 0, 0, 1}, answer.end() - 4);
    return Reply{{answer}};
  });
  const Server server(
      fmt::format(".:@PORT@ {{\n bind 127.0.0.1\n forward . dns://up.example:{} {{\n  resolver {}\n }}\n}}\n",
                  upstream.endpoint().port, resolver.endpoint().to_string()));
  CHECK(server.ask(about("a.example.")).answer == std::vector<std::string>{"a.example. 60 IN A 192.0.2.1"});
}

TEST_CASE("forward: what an alias in a zone leads to is asked for") {
  const UpstreamServer upstream([](const Packet& query, bool) { return Reply{{answer_to(query)}}; });
  const Folder folder;
  const std::string zone = folder.write("own.example",
                                        "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
                                        "www CNAME elsewhere.example.net.\n");
  const Server server("own.example:@PORT@ {\n bind 127.0.0.1\n file " + zone + "\n}\n" + corefile(upstream.endpoint()));
  const std::vector<std::string> both{"www.own.example. 60 IN CNAME elsewhere.example.net.",
                                      "elsewhere.example.net. 60 IN A 192.0.2.1"};
  CHECK(server.ask(about("www.own.example.")).answer == both);
  CHECK(server.ask_tcp(about("www.own.example.")).answer == both);
  CHECK(server.ask(about("www.own.example.", "CNAME")).answer == std::vector{both.front()});
}

TEST_CASE(
    "forward: whether recursion is desired is passed on, and what is said without it is told to none who desires it") {
  const UpstreamServer upstream(
      [](const Packet& query, bool) { return Reply{{answer_to(query, (query[2] & 1) != 0 ? 1 : 66)}}; });
  const Server server(".:@PORT@ {\n bind 127.0.0.1\n cache\n forward . " + upstream.endpoint().to_string() + "\n}\n");
  const auto address = [&](const char* name, bool recursion) {
    Question question = about(name);
    question.flags = recursion ? kRd : 0;
    const Decoded answer = server.ask(question);
    REQUIRE(answer.answer.size() == 1);
    return answer.answer[0].substr(answer.answer[0].rfind(' ') + 1);
  };
  CHECK(address("a.example.", false) == "192.0.2.66");
  CHECK(address("a.example.", false) == "192.0.2.66");  // as it was kept
  CHECK(address("a.example.", true) == "192.0.2.1");
  CHECK(address("a.example.", false) == "192.0.2.1");  // which is in memory now
  CHECK(upstream.asked_udp() == 2 + 1);                // and for the root, when it was seen to be ready
}

TEST_CASE("forward: max_concurrent refuses") {
  const UpstreamServer upstream([](const Packet&, bool) { return Reply{}; });
  const Server server(corefile(upstream.endpoint(), "  max_concurrent 1\n  max_fails 0"), {.wait = false});
  const UdpClient first(server.endpoint());
  REQUIRE(wait_until(
      [&] {
        first.send(encode(about("a.example.")));
        return upstream.asked_udp() > 0;
      },
      20s));
  CHECK(server.ask(about("b.example.")).rcode_text() == "REFUSED");
}

TEST_CASE("loop: a server that forwards to itself ends when it starts, and says why") {
  Server server(".:@PORT@ {\n bind 127.0.0.1\n loop\n forward . 127.0.0.1:@PORT@\n}\n", {.wait = false});
  CHECK(server.process().wait_for("[FATAL] plugin/loop: \"HINFO IN ", Milliseconds(20000)));
  CHECK(server.stop().to_string() == "exit 1");
}

TEST_CASE("loop: with log, or after a reload, a server that forwards to itself says so, and goes on") {
  const std::string own = "own.example:@PORT@ {\n bind 127.0.0.1\n whoami\n}\n",
                    loops = ".:@PORT@ {{\n bind 127.0.0.1\n loop {}\n forward . 127.0.0.1:@PORT@\n}}\n";
  Server server(own + fmt::format(fmt::runtime(loops), "log"), {.wait = false});
  CHECK(server.process().wait_for("came back to 127.0.0.1", Milliseconds(20000)));
  CHECK(server.ask(about("own.example.")).rcode_text() == "NOERROR");
  server.write_corefile(own + fmt::format(fmt::runtime(loops), "exit"));
  server.process().signal(SIGUSR1);
  CHECK(server.process().wait_for("says what to do; the server goes on", Milliseconds(20000)));
  CHECK(server.ask(about("own.example.")).rcode_text() == "NOERROR");
}

TEST_CASE("loop: one that forwards to another says nothing") {
  const UpstreamServer upstream([](const Packet& query, bool) { return Reply{{answer_to(query, 0, 3)}}; });
  const Server server(".:@PORT@ {\n bind 127.0.0.1\n loop\n forward . " + upstream.endpoint().to_string() + "\n}\n");
  REQUIRE(wait_until([&] { return upstream.asked_udp() > 1; }, 20s));
  CHECK(server.ask(about("a.example.")).rcode_text() == "NXDOMAIN");
  CHECK(server.log().find("[ERROR]") == std::string::npos);
}
