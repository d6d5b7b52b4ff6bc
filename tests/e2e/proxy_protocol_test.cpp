// The PROXY protocol, over UDP and TCP: headers byte by byte, and as kdig, dnsdist and haproxy send them. The answer of
// `whoami` says whom the server takes for the client.
#include <fmt/format.h>

#include "tests/support/loopback.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::string_literals;

// An address for each rule: 127.0.0.1 is a proxy, what the tests send from. The second block has the rest as clients.
constexpr std::string_view kCorefile = R"(example.org {{
    bind 127.0.0.1
    proxyproto {{
        allow {}
        default {}
    }}
    acl {{
        block net 198.51.100.0/24
        drop net 203.0.113.0/24
    }}
    whoami
}}
)";

std::string corefile(std::string_view allowed, std::string_view rule) {
  return fmt::format(fmt::runtime(kCorefile), allowed, rule);
}

// A header of version 2, of a client at a.b.c.7:50000.
std::string header(std::string_view network = "\xC0\0\2"s) {
  return "\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0C"s + std::string(network) + "\7\x7F\0\0\1\xC3\x50\0\x35"s;
}

const Question kQuestion{.name = "a.example.org.", .type = "A"};

Packet with(std::string_view before, bool tcp = false) {
  const Packet query = tcp ? framed(encode(kQuestion)) : encode(kQuestion);
  Packet packet(before.begin(), before.end());
  packet.insert(packet.end(), query.begin(), query.end());
  return packet;
}

// Whom the answer names: "192.0.2.7 50000", or the rcode.
std::string client_in(const std::optional<Packet>& answer) {
  if (!answer) return "nothing";
  const auto decoded = decode(*answer);
  REQUIRE(decoded);
  if (decoded->additional.size() != 2) return decoded->rcode_text();
  const auto word = [](const std::string& record, int from_end) {
    std::string rest = record;
    for (; from_end > 1; --from_end) rest.erase(rest.rfind(' '));
    return rest.substr(rest.rfind(' ') + 1);
  };
  return word(decoded->additional[0], 1) + " " + word(decoded->additional[1], 2);
}

std::string ask(const Server& server, std::string_view before, Milliseconds deadline = kPatience) {
  return client_in(ask_udp(server.endpoint(), with(before), deadline));
}

constexpr Milliseconds kNothing{100};  // for what is not answered; then what is asked next is

// The same over TCP, in two pieces: cut after `cut` bytes.
std::string ask_over_tcp(const Server& server, std::string_view before, std::size_t cut) {
  TcpClient client(server.endpoint());
  REQUIRE(client.connected());
  const Packet bytes = with(before, true);
  const Bytes all(bytes);
  static_cast<void>(client.send_raw(all.first(cut)));
  static_cast<void>(client.send_raw(all.subspan(cut)));
  const std::string first = client_in(client.receive());
  if (first == "nothing") return first;
  REQUIRE(client.send(encode(kQuestion)));  // the header is the connection's
  CHECK(client_in(client.receive()) == first);
  return first;
}

std::string kdig(const Server& server, const std::vector<std::string>& options) {
  Command command{.arguments = {"kdig", "@127.0.0.1", "-p", std::to_string(server.port()), "a.example.org.", "A",
                                "+timeout=5", "+retry=3"}};
  command.arguments.insert(command.arguments.end(), options.begin(), options.end());
  const auto text = run(command);
  if (!text) FAIL(text.error().text());
  return *text;
}

}  // namespace

TEST_CASE("proxy protocol: the client is whom a listed proxy names") {
  Server server(corefile("127.0.0.1", "reject"));
  CHECK(ask(server, header()) == "192.0.2.7 50000");
  CHECK(ask(server, "PROXY TCP6 2001:db8::7 ::1 4000 53\r\n") == "2001:db8::7 4000");
  CHECK(ask(server, "PROXY UNKNOWN\r\n").starts_with("127.0.0.1 "));
  CHECK(ask(server, "").starts_with("127.0.0.1 "));
  CHECK(ask(server, header("\xC6\x33\x64")) == "REFUSED");           // acl
  CHECK(ask(server, header("\xCB\0\x71"s), kNothing) == "nothing");  // acl
  CHECK(ask(server, "PROXY TCP4 192.0.2.7\r\n", kNothing) == "nothing");
  CHECK(ask(server, header() + header()) == "NOTIMP");  // what the second one is as a query
  CHECK(client_in(ask_udp(server.endpoint(), as_bytes(header()), kNothing)) == "nothing");
  CHECK(client_in(ask_udp(server.endpoint(), as_bytes(header().substr(0, 20)), kNothing)) == "nothing");
  CHECK(ask(server, header()) == "192.0.2.7 50000");

  const std::string text = "PROXY TCP4 192.0.2.7 127.0.0.1 50000 53\r\n";
  for (const std::size_t cut : {1U, 12U, 13U, 20U, 28U, 29U, 30U, 40U}) {
    CHECK(ask_over_tcp(server, header(), cut) == "192.0.2.7 50000");
    CHECK(ask_over_tcp(server, text, cut) == "192.0.2.7 50000");
  }
  CHECK(ask_over_tcp(server, "", 5).starts_with("127.0.0.1 "));
  CHECK(ask_over_tcp(server, "PROXY UDP4 \r\n", 3) == "nothing");
  CHECK(ask_over_tcp(server, "\r\n\r\n\0\r\nQUIT\n\x21\x12\xFF\xFF"s, 14) == "nothing");
}

TEST_CASE("proxy protocol: others are not believed") {
  {
    Server server(corefile("192.0.2.53", "reject"));
    CHECK(ask(server, header(), kNothing) == "nothing");
    CHECK(ask_over_tcp(server, header(), 5) == "nothing");
    CHECK(ask(server, "").starts_with("127.0.0.1 "));
  }
  {
    Server server(corefile("192.0.2.53", "ignore"));
    CHECK(ask(server, header()).starts_with("127.0.0.1 "));
    CHECK(ask_over_tcp(server, header(), 5).starts_with("127.0.0.1 "));
  }
  Server server(corefile("192.0.2.53", "skip"));
  CHECK(ask(server, header()) == "NOTIMP");
  CHECK(ask(server, "").starts_with("127.0.0.1 "));
}

TEST_CASE("proxy protocol: kdig, dnsdist and haproxy") {
  Server server(corefile("127.0.0.1", "reject"));
  for (const char* const transport : {"+notcp", "+tcp"}) {
    CHECK(kdig(server, {"+proxy=192.0.2.7#50000-127.0.0.1#53", transport}).find("192.0.2.7") != std::string::npos);
  }
  const Folder folder;
  if (installed("dnsdist")) {
    const Port port;
    const std::string conf =
        folder.write("dnsdist.conf",
                     fmt::format("setLocal('127.0.0.1:{}')\nnewServer{{address='127.0.0.1:{}', useProxyProtocol=true, "
                                 "checkType='A', checkName='a.example.org.', mustResolve=false}}\n"
                                 "setSecurityPollSuffix('')\n",
                                 port.number(), server.port()));
    auto dnsdist = Process::start({.arguments = {"dnsdist", "-C", conf, "--supervised", "--disable-syslog"}});
    REQUIRE(dnsdist);
    const auto asked = [&](const char* transport) {
      return run({.arguments = {"dig", "@127.0.0.1", "-b", "127.0.0.9", "-p", std::to_string(port.number()),
                                "a.example.org.", "A", "+tries=1", "+time=2", transport}})
          .value_or("");
    };
    CHECK(wait_until([&] { return asked("+notcp").find("127.0.0.9\n") != std::string::npos; }, kPatience));
    CHECK(wait_until([&] { return asked("+tcp").find("127.0.0.9\n") != std::string::npos; }, kPatience));
  } else {
    WARN("skipped: there is no dnsdist");
  }
  if (!installed("haproxy")) {
    WARN("skipped: there is no haproxy");
    return;
  }
  for (const char* const version : {"send-proxy", "send-proxy-v2"}) {
    const Port port;
    const std::string conf = folder.write(
        "haproxy.cfg", fmt::format("defaults\n mode tcp\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n"
                                   "frontend f\n bind 127.0.0.1:{}\n default_backend b\n"
                                   "backend b\n server s 127.0.0.1:{} {}\n",
                                   port.number(), server.port(), version));
    auto haproxy = Process::start({.arguments = {"haproxy", "-db", "-f", conf}});
    REQUIRE(haproxy);
    CHECK(wait_until(
        [&] {
          const auto text =
              run({.arguments = {"dig", "@127.0.0.1", "-b", "127.0.0.9", "-p", std::to_string(port.number()),
                                 "a.example.org.", "A", "+tcp", "+tries=1", "+time=2"}});
          return text && text->find("127.0.0.9\n") != std::string::npos;
        },
        kPatience));
  }
}
