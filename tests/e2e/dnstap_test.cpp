// dnstap, as others read it: fstrm_capture takes what the server sends, over a Unix socket and TCP, and BIND's
// dnstap-read prints what was asked and answered. Consumers that go away, and dns processes that are killed.
#include <signal.h>

#include <regex>

#include <fmt/format.h>

#include "tests/support/loopback.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage::tests;

Process capture(const std::vector<std::string>& where, const std::string& file) {
  Command command{.arguments = {"fstrm_capture", "-t", "protobuf:dnstap.Dnstap", "-w", file}};
  command.arguments.insert(command.arguments.end(), where.begin(), where.end());
  auto started = Process::start(command);
  REQUIRE(started);
  return *std::move(started);
}

std::vector<std::string> tcp(const Port& port) { return {"-a", "127.0.0.1", "-p", std::to_string(port.number())}; }

std::string read(const std::string& file, const std::vector<std::string>& options = {}) {
  Command command{.arguments = {"dnstap-read"}};
  command.arguments.insert(command.arguments.end(), options.begin(), options.end());
  command.arguments.push_back(file);
  const auto text = run(command);
  if (!text) FAIL(text.error().text());
  return *text;
}

// How many lines match.
std::size_t lines(const std::string& text, const std::string& pattern) {
  const std::regex line(pattern);
  return static_cast<std::size_t>(
      std::distance(std::sregex_iterator(text.begin(), text.end(), line), std::sregex_iterator()));
}

bool ends(Process& capture) {
  capture.signal(SIGTERM);
  const auto status = capture.wait(kPatience);
  return status && status->clean();
}

bool tells(const Server& server, std::string_view text) {
  return wait_until([&] { return server.log().find(text) != std::string::npos; }, kPatience);
}

// How often `text` stands in the log.
std::size_t told(const Server& server, std::string_view text) {
  std::size_t found = 0;
  const std::string log = server.log();
  for (std::size_t at = 0; (at = log.find(text, at)) != std::string::npos; at += text.size()) ++found;
  return found;
}

}  // namespace

TEST_CASE("dnstap: what was asked is what dnstap-read prints, over a Unix socket and TCP") {
  if (!installed("fstrm_capture")) {
    WARN("skipped: there is no fstrm_capture");
    return;
  }
  const Folder folder;
  const Port port;
  Process unix_capture = capture({"-u", folder.file("tap.sock")}, folder.file("unix.tap"));
  Process tcp_capture = capture(tcp(port), folder.file("tcp.tap"));
  Server server(fmt::format(R"(example.org {{
    bind 127.0.0.1
    dnstap {}/tap.sock full {{
        identity fra-2
        version v7
        extra "{{name}} {{rcode}}"
    }}
    dnstap tcp://127.0.0.1:{} {{
        as auth
    }}
    acl {{
        drop type MX
    }}
    whoami
}}
)",
                            folder.path(), port.number()),
                {.workers = 2});
  REQUIRE(tells(server, "tap.sock: connected"));
  REQUIRE(tells(server, fmt::format("{}: connected", port.number())));
  CHECK(server.ask({.name = "one.example.org.", .type = "A"}).rcode_text() == "NOERROR");
  CHECK(server.ask_tcp({.name = "two.example.org.", .type = "AAAA"}).rcode_text() == "NOERROR");
  CHECK(server.ask({.name = "xn--three.example.org.", .type = "TXT"}).rcode_text() == "NOERROR");
  const auto drops = encode({.name = "four.example.org.", .type = "MX"});
  CHECK_FALSE(ask_udp(server.endpoint(), drops, Milliseconds(50)));
  CHECK(server.stop().clean());
  CHECK(ends(unix_capture));
  CHECK(ends(tcp_capture));

  const std::string text = read(folder.file("unix.tap"));
  INFO(text);
  const std::string from = R"( 127\.0\.0\.1:\d+ )", to = fmt::format(R"( 127\.0\.0\.1:{} )", server.port());
  CHECK(lines(text, "CQ" + from + "->" + to + R"(UDP \d+b one\.example\.org/IN/A\n)") == 1);
  CHECK(lines(text, "CR" + from + "<-" + to + R"(UDP \d+b one\.example\.org/IN/A\n)") == 1);
  CHECK(lines(text, "CQ" + from + "->" + to + R"(TCP \d+b two\.example\.org/IN/AAAA\n)") == 1);
  CHECK(lines(text, "CR" + from + "<-" + to + R"(TCP \d+b two\.example\.org/IN/AAAA\n)") == 1);
  CHECK(lines(text, "C[QR].*three") == 2);
  CHECK(lines(text, "CQ.*four") == 1);
  CHECK(lines(text, "CR.*four") == 0);

  const std::string yaml = read(folder.file("unix.tap"), {"-y"});
  INFO(yaml);
  CHECK(lines(yaml, "identity: fra-2\n") >= 7);
  CHECK(lines(yaml, "version: v7\n") == lines(yaml, "identity: fra-2\n"));
  CHECK(lines(yaml, "query_zone: example\\.org\\.\n") >= 7);
  CHECK(lines(yaml, "type: CLIENT_RESPONSE\n") >= 3);
  CHECK(lines(yaml, "status: NOERROR\n") >= 3);

  const std::string brief = read(folder.file("tcp.tap"), {"-y"});
  INFO(brief);
  CHECK(lines(brief, "type: AUTH_QUERY\n") >= 4);
  CHECK(lines(brief, "type: AUTH_RESPONSE\n") >= 3);
  CHECK(lines(brief, "socket_protocol: TCP\n") >= 2);
  CHECK(lines(brief, "opcode: QUERY") == 0);  // no messages
}

TEST_CASE("dnstap: what a rate limit does not answer was asked, and what it cut short is what was sent") {
  if (!installed("fstrm_capture")) {
    WARN("skipped: there is no fstrm_capture");
    return;
  }
  const Folder folder;
  Process consumer = capture({"-u", folder.file("tap.sock")}, folder.file("tap"));
  Server server(
      fmt::format("example.org {{\n bind 127.0.0.1\n dnstap {}/tap.sock full\n rrl {{\n  responses-per-second 1\n"
                  "  slip-ratio 2\n }}\n whoami\n}}\n",
                  folder.path()));
  REQUIRE(tells(server, "tap.sock: connected"));
  constexpr std::size_t kAsked = 8;
  std::size_t answered = 0, cut = 0;
  for (std::size_t i = 0; i < kAsked; ++i) {
    const auto answer = ask_udp(server.endpoint(), encode({.name = "a.example.org.", .type = "A"}),
                                Milliseconds(i == 0 ? 10'000 : 300));
    if (!answer) continue;
    ++answered;
    cut += decode(*answer)->has(kTc) ? 1 : 0;
  }
  CHECK(server.stop().clean());
  CHECK(ends(consumer));
  CHECK(answered < kAsked);
  const std::string text = read(folder.file("tap"), {"-y"});
  INFO(text);
  CHECK(lines(text, "type: AUTH_QUERY\n|type: CLIENT_QUERY\n") == kAsked);
  CHECK(lines(text, "type: AUTH_RESPONSE\n|type: CLIENT_RESPONSE\n") >= answered);
  CHECK(lines(text, "flags: qr[^\n]* tc") >= cut);
  CHECK(cut > 0);
}

TEST_CASE("dnstap: a consumer that was killed, and a dns process that was") {
  if (!installed("fstrm_capture")) {
    WARN("skipped: there is no fstrm_capture");
    return;
  }
  const Folder folder;
  const Port port;
  Server server(
      fmt::format("example.org {{\n bind 127.0.0.1\n dnstap tcp://127.0.0.1:{} full\n whoami\n}}\n", port.number()));
  REQUIRE(tells(server, "connection refused; trying again"));
  CHECK(server.ask({.name = "before.example.org.", .type = "A"}).rcode_text() == "NOERROR");
  {
    Process first = capture(tcp(port), folder.file("first.tap"));
    REQUIRE(tells(server, ": connected"));
    first.kill_group();
    REQUIRE(tells(server, "it has closed the connection; trying again"));
  }
  CHECK(server.ask({.name = "between.example.org.", .type = "A"}).rcode_text() == "NOERROR");
  Process second = capture(tcp(port), folder.file("second.tap"));
  REQUIRE(wait_until([&] { return told(server, ": connected") == 2; }, kPatience));

  const pid_t supervisor = server.process().pid(), victim = children(supervisor, "@dns").front();
  CHECK(server.ask({.name = "last-words.example.org.", .type = "A"}).rcode_text() == "NOERROR");
  kill(victim, SIGKILL);
  REQUIRE(wait_until(
      [&] {
        const auto now = children(supervisor, "@dns");
        return now.size() == 1 && now.front() != victim;
      },
      kPatience));
  REQUIRE(wait_until(
      [&] {
        return ask_udp(server.endpoint(), encode({.name = "after.example.org.", .type = "A"}), Milliseconds(1000))
            .has_value();
      },
      kPatience));
  CHECK(server.stop().clean());
  CHECK(ends(second));
  const std::string text = read(folder.file("second.tap"));
  INFO(text);
  CHECK(lines(text, "CR .*between\\.example\\.org") == 1);
  CHECK(lines(text, "CR .*after\\.example\\.org") >= 1);
}
