// Headers of the PROXY protocol, of both versions: whole, cut at every byte, and wrong.
#include "core/proxy_protocol.h"

#include <string>

#include <fmt/format.h>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage {
namespace {

using namespace std::string_literals;
using Found = ProxyHeader::Found;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string v2(char command, char family, const std::string& body) {
  std::string header = kSignature + command + family;
  header += static_cast<char>(body.size() >> 8);
  header += static_cast<char>(body.size());
  return header + body;
}

const std::string kV4 = "\xC0\0\2\7\xC0\0\2\1\xC3\x50\0\x35"s;
const std::string kV6 = "\x20\1\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\7\x20\1\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\1\xC3\x50\0\x35"s;
const std::string kMapped =
    "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\0\2\7\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\0\2\1\xC3\x50\0\x35"s;

std::string text(const std::string& bytes) {
  const ProxyHeader header = read_proxy_header(as_bytes(bytes));
  switch (header.found) {
    case Found::none:
      return "none";
    case Found::incomplete:
      return "incomplete";
    case Found::malformed:
      return "malformed";
    case Found::header:
      break;
  }
  const std::string rest = bytes.substr(header.size);
  if (!header.names_client) return "nobody" + rest;
  return fmt::format("{} {}{}", header.client.to_string(), header.server.to_string(), rest);
}

}  // namespace

TEST_CASE("proxy protocol: what headers say") {
  const std::string rest = "|rest";
  struct Case {
    std::string header, says;
  };
  const std::string v4 = "192.0.2.7:50000 192.0.2.1:53", v6 = "[2001:db8::7]:50000 [2001:db8::1]:53";
  const Case cases[] = {
      {"PROXY TCP4 192.0.2.7 192.0.2.1 50000 53\r\n", v4},
      {"PROXY TCP6 2001:db8::7 2001:db8::1 50000 53\r\n", v6},
      {"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 50000 53\r\n", v4},
      {"PROXY UNKNOWN\r\n", "nobody"},
      {"PROXY UNKNOWN ffff:f...f:ffff whatever 65535 65535\r\n", "nobody"},
      {v2(0x21, 0x11, kV4), v4},
      {v2(0x21, 0x12, kV4), v4},
      {v2(0x21, 0x21, kV6), v6},
      {v2(0x21, 0x22, kMapped), v4},
      {v2(0x21, 0x11, kV4 + "\4\0\2no\xE0\0\0"s), v4},
      {v2(0x20, 0x00, ""), "nobody"},
      {v2(0x20, 0x11, kV4), "nobody"},
      {v2(0x21, 0x00, "whatever"), "nobody"},
      {v2(0x21, 0x31, std::string(216, 'x')), "nobody"},
      {v2(0x21, 0x11, kV4 + "\4\7\xC1"s + std::string(1985, 'x')), v4},  // 2016 bytes
  };
  for (const Case& each : cases) {
    INFO(each.header);
    CHECK(text(each.header + rest) == each.says + rest);
    for (std::size_t size = 0; size < each.header.size(); ++size) {
      CHECK(text(each.header.substr(0, size)) == "incomplete");
    }
  }
}

TEST_CASE("proxy protocol: what is no header") {
  CHECK(text("\0\x1D\0\1\0\0\0\1"s) == "none");
  CHECK(text("GET / HTTP/1.1\r\n") == "none");
  CHECK(text("PROXX") == "none");
  CHECK(text("\r\n\r\n\1"s) == "none");
  for (const std::string& wrong : {"PROXY TCP4 192.0.2.7 192.0.2.1 50000 53\n"s,
                                   "PROXY TCP4 192.0.2.7 192.0.2.1 50000\r\n"s,
                                   "PROXY TCP4 192.0.2.7 192.0.2.1 50000 53 \r\n"s,
                                   "PROXY TCP4  192.0.2.7 192.0.2.1 50000 53\r\n"s,
                                   "PROXY TCP4 192.0.2.7 192.0.2.1 50000 053\r\n"s,
                                   "PROXY TCP4 192.0.2.7 192.0.2.1 50000 65536\r\n"s,
                                   "PROXY TCP4 192.0.2.7 192.0.2.1 +5 53\r\n"s,
                                   "PROXY TCP4 192.0.2.07x 192.0.2.1 5 53\r\n"s,
                                   "PROXY TCP4 2001:db8::7 2001:db8::1 5 53\r\n"s,
                                   "PROXY TCP6 192.0.2.7 192.0.2.1 5 53\r\n"s,
                                   "PROXY UDP4 192.0.2.7 192.0.2.1 5 53\r\n"s,
                                   "PROXY tcp4 192.0.2.7 192.0.2.1 5 53\r\n"s,
                                   "PROXY \r\n"s,
                                   "PROXY \n"s,
                                   "PROXY "s + std::string(101, 'x'),
                                   v2(0x11, 0x11, kV4),
                                   v2(0x31, 0x11, kV4),
                                   v2(0x22, 0x11, kV4),
                                   v2(0x21, 0x41, kV4),
                                   v2(0x21, 0x13, kV4),
                                   v2(0x21, 0x11, kV4.substr(1)),
                                   v2(0x21, 0x21, kV4),
                                   v2(0x21, 0x11, kV4 + "\4\0"s),
                                   v2(0x21, 0x11, kV4 + "\4\0\3no"s),
                                   v2(0x21, 0x11, kV4 + std::string(2021, '\0'))}) {
    INFO(wrong);
    CHECK(text(wrong) == "malformed");
  }
}

TEST_CASE("proxy protocol: who is believed") {
  const Endpoint proxy{*IpAddress::parse("::ffff:10.0.0.1"), 7, 0}, other{*IpAddress::parse("10.0.1.1"), 7, 0};
  const std::string header = v2(0x21, 0x12, kV4);
  using Rule = ProxyPolicy::Rule;
  const auto judged = [&](Rule others, const std::string& bytes, const Endpoint& sender) -> std::string {
    const ProxyPolicy policy{.allowed = {*Prefix::parse("10.0.0.0/24")}, .others = others};
    const ProxyPolicy::Verdict verdict = policy.judge(as_bytes(bytes), sender);
    if (verdict.what == ProxyPolicy::Verdict::Do::refuse) return "refuse";
    if (verdict.what == ProxyPolicy::Verdict::Do::wait) return "wait";
    return fmt::format("{} {}", verdict.size, verdict.client == sender ? "itself" : verdict.client.to_string());
  };
  for (const Rule others : {Rule::use, Rule::ignore, Rule::reject, Rule::skip}) {
    CHECK(judged(others, header, proxy) == "28 192.0.2.7:50000");
    CHECK(judged(others, "query", proxy) == "0 itself");
    CHECK(judged(others, header.substr(0, 20), proxy) == "wait");
    CHECK(judged(others, v2(0x20, 0, ""), proxy) == "16 itself");
    CHECK(judged(others, "PROXY \r\n", proxy) == "refuse");
    CHECK(judged(others, "query", other) == "0 itself");
  }
  CHECK(judged(Rule::use, header, other) == "28 192.0.2.7:50000");
  CHECK(judged(Rule::ignore, header, other) == "28 itself");
  CHECK(judged(Rule::reject, header, other) == "refuse");
  CHECK(judged(Rule::skip, header, other) == "0 itself");
  CHECK(judged(Rule::skip, "PROXY \r\n", other) == "0 itself");
}

}  // namespace swage
