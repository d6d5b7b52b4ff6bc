// The process `swage @fetch`, which asks other nameservers: when there is one, what it may, what becomes of queries
// when it is killed, stopped or replaced, and what it counts. What it does of *forward*: tests/e2e/forward_test.cpp.
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "core/async/tls_testing.h"
#include "tests/support/server.h"
#include "tests/support/upstream.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;
using Reply = UpstreamServer::Reply;
using Clock = std::chrono::steady_clock;

constexpr const char* kOwn = "own.example:@PORT@ {\n bind 127.0.0.1\n whoami\n}\n";

std::string corefile(const Endpoint& to, std::string_view cache = "cache", std::string_view rest = {}) {
  return kOwn + fmt::format(
                    ".:@PORT@ {{\n bind 127.0.0.1\n errors\n prometheus 127.0.0.1:@PORT2@\n {}\n forward . {} {{\n{}\n "
                    "}}\n}}\n",
                    cache, to.to_string(), rest);
}

Question about(std::string_view name) {
  Question question{.name = std::string(name), .type = "A"};
  question.flags = kRd;
  question.opt = Opt{};
  return question;
}

std::vector<pid_t> fetchers(Server& server) { return children(server.process().pid(), "@fetch"); }

// The only one, other than `before`.
pid_t fetcher(Server& server, pid_t before = -1) {
  std::vector<pid_t> now;
  REQUIRE(wait_until([&] { return (now = fetchers(server)).size() == 1 && now.front() != before; }, 20s));
  return now.front();
}

std::string status_line(pid_t pid, std::string_view name) {
  std::istringstream status(read_file("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return line.substr(line.find('\t') + 1);
  }
  return {};
}

void reload(Server& server) {
  const std::size_t before = server.log().size();
  server.process().signal(SIGUSR1);
  REQUIRE(wait_until([&] { return server.log().find("Reloading complete", before) != std::string::npos; }, 30s));
}

const UpstreamServer::Answer kAnswers = [](const Packet& query, bool) {
  const bool is_no = query[12] == 2 && (query[13] | 0x20) == 'n' && (query[14] | 0x20) == 'o';
  return is_no ? Reply{{answer_to(query, 0, 3)}} : Reply{{answer_to(query)}};  // without a SOA record: it is not kept
};

}  // namespace

TEST_CASE("fetch process: there is one where something is forwarded, and only then") {
  const UpstreamServer upstream(kAnswers);
  Server server(kOwn, {.workers = 2});
  CHECK(fetchers(server).empty());
  server.write_corefile(corefile(upstream.endpoint()));
  reload(server);
  fetcher(server);
  CHECK(server.ask(about("a.example.")).rcode_text() == "NOERROR");
  server.write_corefile(kOwn);
  reload(server);
  CHECK(wait_until([&] { return fetchers(server).empty(); }, 20s));
  CHECK(server.ask(about("own.example.")).rcode_text() == "NOERROR");
}

TEST_CASE("fetch process: it has no capability, no environment, a user of its own, and cannot be looked into") {
  const UpstreamServer upstream(kAnswers);
  Server server(corefile(upstream.endpoint()),
                {.environment = {{"SWAGE_TEST_SECRET", "open sesame"}, {"HOME", "/root"}, {"http_proxy", "x"}}});
  const pid_t fetch = fetcher(server);
  const std::string environment = read_file("/proc/" + std::to_string(fetch) + "/environ");
  for (const char* const other : {"SWAGE_TEST_SECRET", "HOME=", "PATH=", "http_proxy"}) {
    CHECK(environment.find(other) == std::string::npos);
  }
  CHECK(read_file("/proc/" + std::to_string(fetch) + "/comm") == "swage fetch\n");
  for (const char* const set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    CHECK(status_line(fetch, set) == "0000000000000000");
  }
  CHECK(status_line(fetch, "NoNewPrivs") == "1");
  for (const char* const role : {"@dns", "@fetch", "@service"}) {
    for (const pid_t child : children(server.process().pid(), role)) CHECK(status_line(child, "Seccomp:") == "2");
  }
  if (geteuid() != 0) return;
  CHECK(status_line(fetch, "Uid").starts_with("61180\t61180\t61180\t61180"));
  CHECK(status_line(fetch, "Gid").starts_with("61180\t61180\t61180\t61180"));
  CHECK(status_line(fetch, "Groups").find_first_not_of(" \t") == std::string::npos);
  struct stat status{};
  REQUIRE(stat(("/proc/" + std::to_string(fetch) + "/environ").c_str(), &status) == 0);
  CHECK(status.st_uid == 0);  // undumpable
}

TEST_CASE("fetch process: it reads files that only root can read, and is nobody when it asks") {
  if (geteuid() != 0) {
    WARN("SKIPPED: only root can have files that others cannot read");
    return;
  }
  const UpstreamServer upstream(kAnswers);
  const Folder folder;
  const std::string file = folder.write("ca.pem", async::testing::make_tls_identity("").certificate_pem);
  REQUIRE(chmod(file.c_str(), 0600) == 0);
  Server server(kOwn);
  server.write_corefile(std::string(kOwn) + ".:@PORT@ {\n bind 127.0.0.1\n forward . tls://127.0.0.1 {\n  tls " + file +
                        "\n }\n}\n");
  reload(server);
  CHECK(status_line(fetcher(server), "CapPrm") == "0000000000000000");
  // Where it is not there, the service process says so, with all other errors.
  std::filesystem::remove(file);
  const std::size_t before = server.log().size();
  server.process().signal(SIGUSR1);
  CHECK(wait_until([&] { return server.log().find("Restart failed", before) != std::string::npos; }, 20s));
  CHECK(server.log().find("ca.pem: No such file", before) != std::string::npos);
  CHECK(server.ask(about("own.example.")).rcode_text() == "NOERROR");
  // A fetch process that is replaced then says why it asks nobody; the rest goes on.
  const std::size_t killed = server.log().size();
  const pid_t fetch = fetcher(server);
  kill(fetch, SIGKILL);
  fetcher(server, fetch);
  CHECK(wait_until([&] { return server.log().find("ca.pem: No such file", killed) != std::string::npos; }, 20s));
  CHECK(server.ask(about("a.example.")).rcode_text() == "SERVFAIL");
  CHECK(server.ask(about("own.example.")).rcode_text() == "NOERROR");
}

TEST_CASE("fetch process: it looks up names of hosts when it has no capability any more, and no other process does") {
  if (geteuid() != 0) {
    WARN("SKIPPED: only root has capabilities");
    return;
  }
  Server server(kOwn);
  std::atomic<int> asked = 0, with_rights = 0;
  const UpstreamServer resolver([&, supervisor = server.process().pid()](const Packet& query, bool) {
    ++asked;
    const auto fetchers = children(supervisor, "@fetch");
    const bool has_none = fetchers.size() == 1 && status_line(fetchers[0], "CapPrm") == "0000000000000000" &&
                          status_line(fetchers[0], "Uid").starts_with("61180\t61180\t61180\t61180");
    if (!has_none) ++with_rights;
    const bool is_a = query[12] == 2 && std::find(query.begin() + 12, query.end(), 0)[2] == 1;  // of "up"
    Packet answer = answer_to(query, 1, is_a ? 0 : 3);
    if (is_a) std::ranges::copy(std::array<std::uint8_t, 4>{127, 0, 0, 1}, answer.end() - 4);
    return Reply{{answer}};
  });
  const auto corefile = [&](const char* host) {
    return std::string(kOwn) +
           fmt::format(".:@PORT@ {{\n bind 127.0.0.1\n forward . dns://{} {{\n  resolver {}\n }}\n}}\n", host,
                       resolver.endpoint().to_string());
  };
  server.write_corefile(corefile("up.example"));
  reload(server);
  CHECK(asked >= 2);  // A and AAAA
  CHECK(with_rights == 0);
  // One that nobody knows: nothing changes, and the line is named.
  server.write_corefile(corefile("gone.example"));
  const std::size_t before = server.log().size();
  server.process().signal(SIGUSR1);
  CHECK(wait_until([&] { return server.log().find("Restart failed", before) != std::string::npos; }, 20s));
  CHECK(server.log().find("Corefile:7: forward: 'dns://gone.example' is not an address, and as the name of a host: ",
                          before) != std::string::npos);
  CHECK(server.ask(about("own.example.")).rcode_text() == "NOERROR");
}

TEST_CASE("fetch process: one that is stopped is replaced, its queries are answered by the next one, others at once") {
  const UpstreamServer upstream(kAnswers);
  Server server(corefile(upstream.endpoint()), {.workers = 2});
  CHECK(server.ask(about("kept.example.")).rcode_text() == "NOERROR");
  const pid_t before = fetcher(server);
  const auto stopped = Clock::now();
  REQUIRE(kill(before, SIGSTOP) == 0);
  const UdpClient client(server.endpoint());
  for (std::uint16_t id = 0; id < 50; ++id) {
    Question question = about(fmt::format("n{}.example.", id));
    question.id = id;
    client.send(encode(question));
  }
  for (int i = 0; i < 20; ++i) {
    const auto begun = Clock::now();
    CHECK(server.ask(about("own.example.")).rcode_text() == "NOERROR");
    CHECK(server.ask(about("kept.example.")).rcode_text() == "NOERROR");
    CHECK(Clock::now() - begun < 2s);  // not the 4 that it takes until the other is replaced
  }
  fetcher(server, before);
  const bool in_time = Clock::now() - stopped < 5s;  // it was replaced after 4 s, and a query waits for 5.5
  int answered = 0, right = 0;
  for (int i = 0; i < 50; ++i) {
    const auto answer = client.receive(Milliseconds(10'000));
    if (!answer) continue;
    ++answered;
    if (decode(*answer)->rcode_text() == "NOERROR") ++right;
  }
  CHECK(answered == 50);
  CHECK((right == 50 || !in_time));
  CHECK(server.log().find("'fetch' (pid " + std::to_string(before) + ") is killed: it has made no progress for ") !=
        std::string::npos);
}

TEST_CASE("fetch process: what it counts goes on when it is replaced and the server reloads") {
  const UpstreamServer upstream(kAnswers);
  Server server(corefile(upstream.endpoint()), {.workers = 2});
  const std::string to = fmt::format("proxy_name=\"forward\",to=\"{}\"", upstream.endpoint().to_string());
  const auto count = [&](std::string_view rcode) {
    return server.metric(fmt::format("coredns_proxy_request_duration_seconds_count{{{},rcode=\"{}\"}}", to, rcode));
  };
  // The server was asked for the root before.
  CHECK(server.ask(about("a.example.")).rcode_text() == "NOERROR");
  CHECK(server.ask(about("no.example.")).rcode_text() == "NXDOMAIN");
  const double good = count("NOERROR");
  CHECK(good >= 1);
  CHECK(count("NXDOMAIN") == 1);
  for (int round = 0; round < 3; ++round) {
    const pid_t before = fetcher(server);
    if (round < 2) {
      REQUIRE(kill(before, SIGKILL) == 0);
    } else {
      reload(server);
    }
    fetcher(server, before);
    CHECK(count("NOERROR") == good + round);
    CHECK(server.ask(about(fmt::format("b{}.example.", round))).rcode_text() == "NOERROR");
    CHECK(count("NOERROR") == good + round + 1);
  }
  CHECK(server.metric("swage_child_restarts_total{role=\"fetch\"}") == 2);
  CHECK(server.metric("swage_processes{role=\"fetch\"}") == 1);
}

TEST_CASE("fetch process: cache and forward count under CoreDNS's names and labels") {
  std::atomic<bool> silent = false;
  const UpstreamServer upstream([&](const Packet& query, bool tcp) {
    if (silent) return Reply{};
    if (query[12] != 3) return kAnswers(query, tcp);
    Packet cut = answer_to(query);  // "bad"
    cut.pop_back();
    return Reply{{cut}};
  });
  Server server(corefile(upstream.endpoint(), "cache 3 {\n serve_stale 1h\n }", "force_tcp"), {.workers = 2});
  const std::string listener = fmt::format("server=\"dns://127.0.0.1:{}\"", server.port());
  const std::string zones = "{zones=\".\",view=\"\"," + listener, of_cache = zones + "}";
  const std::string success = zones + ",type=\"success\"}", denial = zones + ",type=\"denial\"}";
  const std::string to = fmt::format("proxy_name=\"forward\",to=\"{}\"", upstream.endpoint().to_string());
  const auto entries = server.metric("coredns_cache_entries" + success);
  const auto requests = server.metric("coredns_cache_requests_total" + of_cache);
  const auto misses = server.metric("coredns_cache_misses_total" + of_cache);

  CHECK(server.ask(about("a.example.")).rcode_text() == "NOERROR");    // a miss
  CHECK(server.ask(about("a.example.")).rcode_text() == "NOERROR");    // a hit
  CHECK(server.ask(about("no.example.")).rcode_text() == "NXDOMAIN");  // a miss, and not kept
  CHECK(server.ask(about("bad.example.")).rcode_text() == "SERVFAIL");
  CHECK(server.metric("coredns_cache_requests_total" + of_cache) == requests + 4);
  CHECK(server.metric("coredns_cache_misses_total" + of_cache) == misses + 3);
  CHECK(server.metric("coredns_cache_hits_total" + success) == 1);
  CHECK(server.metric("coredns_cache_entries" + success) == entries + 1);
  CHECK(server.metric("coredns_cache_entries" + denial) >= 0);
  CHECK(server.metric("coredns_cache_evictions_total" + success) == 0);
  CHECK(server.metric("coredns_cache_evictions_total" + denial) == 0);
  CHECK(server.metric("coredns_cache_drops_total" + of_cache) == 1);
  CHECK(server.metric("coredns_forward_max_concurrent_rejects_total") == 0);
  CHECK(server.metric("coredns_proxy_conn_cache_misses_total{" + to + ",proto=\"tcp\"}") >= 1);
  CHECK(server.metric("coredns_proxy_conn_cache_hits_total{" + to + ",proto=\"tcp\"}") >= 2);
  CHECK(server.metric("coredns_proxy_request_duration_seconds_bucket{" + to + ",rcode=\"NXDOMAIN\",le=\"+Inf\"}") >= 1);

  std::this_thread::sleep_for(3100ms);
  CHECK(server.ask(about("a.example.")).rcode_text() == "NOERROR");  // stale, and fetched again
  CHECK(server.metric("coredns_cache_served_stale_total" + of_cache) == 1);
  CHECK(server.metric("coredns_cache_prefetch_total" + of_cache) == 1);
  CHECK(server.metric("coredns_cache_requests_total" + of_cache) == requests + 5);
  silent = true;
  const UdpClient client(server.endpoint());
  client.send(encode(about("late.example.")));
  CHECK(client.receive(Milliseconds(10'000)).has_value());
  CHECK(wait_until([&] { return server.metric("coredns_proxy_healthcheck_failures_total{" + to + "}") >= 3; }, 20s));
  client.send(encode(about("later.example.")));
  CHECK(client.receive(Milliseconds(10'000)).has_value());
  CHECK(server.metric("coredns_forward_healthcheck_broken_total") >= 1);
}
