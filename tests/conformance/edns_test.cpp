// What ISC's EDNS compliance tests ask a nameserver (genreport), and DNS cookies as dig, BIND and Knot DNS have
// them (unbound has them from 1.18, Debian 12 has 1.17).
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "tests/support/peers.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::tests;

namespace {

constexpr std::uint16_t kNsid = 3, kSubnet = 8, kExpire = 9, kCookie = 10, kUnknown = 100;
constexpr const char* kBadCookie = "RCODE23";  // as ldns has it
constexpr const char* kSecret = "e5e973e5a6b2a43f48e7dc849e37bfcf";
const std::string kClientCookie = "\1\2\3\4\5\6\7\x8";

// A case: what is asked, and what a server that is fine answers.
struct Case {
  const char* name;
  Question question;
  const char* rcode = "NOERROR";
  bool with_soa = true;  // as the answer
  bool truncatable = false;
};

Question soa(std::optional<Opt> opt = {}, std::uint16_t flags = 0) {
  return {.name = "example.", .type = "SOA", .flags = flags, .opt = std::move(opt)};
}

std::vector<Case> cases() {
  const Opt plain, dnssec{.flags = kDnssecOk};
  const Option subnet{kSubnet, std::string("\0\1\0\0", 4)};
  return {
      {"dns", soa()},
      {"aa", soa({}, kAa)},
      {"ad", soa({}, kAd)},
      {"cd", soa({}, kCd)},
      {"ra", soa({}, kRa)},
      {"rd", soa({}, kRd)},
      {"tc", soa({}, kTc)},
      {"zflag", soa({}, kZ)},
      {"type666", {.name = "example.", .type = "TYPE666"}, "NOERROR", false},
      {"opcode", soa({}, 15 << 11), "NOTIMP", false},
      {"opcodeflg", soa({}, static_cast<std::uint16_t>(15 << 11 | kTc | kRd | kRa | kCd | kAd | kAa | kZ)), "NOTIMP",
       false},
      {"edns", soa(plain)},
      {"edns1", soa(Opt{.version = 1}), "BADVERS", false},
      {"edns@512",
       {.name = "example.", .type = "DNSKEY", .opt = Opt{.udp_size = 512, .flags = kDnssecOk}},
       "NOERROR",
       false,
       true},
      {"ednsopt", soa(Opt{.options = {{kUnknown, ""}}})},
      {"edns1opt", soa(Opt{.version = 1, .options = {{kUnknown, ""}}}), "BADVERS", false},
      {"do", soa(dnssec)},
      {"edns1do", soa(Opt{.version = 1, .flags = kDnssecOk}), "BADVERS", false},
      {"ednsflags", soa(Opt{.flags = 0x0080})},
      {"edns1flags", soa(Opt{.version = 1, .flags = 0x0080}), "BADVERS", false},
      {"docookie", soa(Opt{.flags = kDnssecOk, .options = {{kCookie, kClientCookie}}})},
      {"ednscookie", soa(Opt{.options = {{kCookie, kClientCookie}}})},
      {"ednsnsid", soa(Opt{.options = {{kNsid, ""}}})},
      {"ednsexpire", soa(Opt{.options = {{kExpire, ""}}})},
      {"ednssubnet", soa(Opt{.options = {subnet}})},
      {"optlist", soa(Opt{.options = {{kNsid, ""}, subnet, {kExpire, ""}, {kCookie, kClientCookie}}})},
      {"bind11", soa(Opt{.udp_size = 4096, .flags = kDnssecOk, .options = {{kCookie, kClientCookie}}}, kCd)},
  };
}

std::string faults(const Case& each, const Decoded& answer, bool over_tcp) {
  std::string faults;
  const auto demand = [&](bool good, const char* what) {
    if (!good) faults += std::string(faults.empty() ? "" : ", ") + what;
  };
  const auto& asked = each.question;
  demand(answer.rcode_text() == each.rcode, "the rcode");
  const bool has_soa = std::ranges::any_of(
      answer.answer, [](const std::string& record) { return record.find(" SOA ") != std::string::npos; });
  demand(has_soa == each.with_soa, "the SOA record");
  demand(answer.has(kQr), "no QR");
  demand(answer.has(kAa) == (std::string_view(each.rcode) == "NOERROR"), "AA");
  demand(!answer.has(kZ), "the Z bit");
  demand(!answer.has(kRa), "RA");
  demand(answer.has(kTc) == false || (each.truncatable && !over_tcp), "TC");
  demand(answer.has(kRd) == ((asked.flags & kRd) != 0), "RD");
  if (!over_tcp)
    demand(answer.size <= (asked.opt ? std::max<std::size_t>(asked.opt->udp_size, 512) : 512), "too large");
  demand(answer.opt.has_value() == asked.opt.has_value(), "the OPT record");
  if (!answer.opt || !asked.opt) return faults;
  demand(answer.opt->version == 0, "the version of EDNS");
  demand((answer.opt->flags & ~kDnssecOk) == 0, "flags of EDNS");
  if (asked.opt->version == 0) demand((answer.opt->flags & kDnssecOk) == (asked.opt->flags & kDnssecOk), "DO");
  demand(answer.opt->option(kUnknown) == nullptr, "an option that nobody knows");
  const Option* const sent = asked.opt->option(kCookie);
  const Option* const cookie = answer.opt->option(kCookie);
  demand((cookie != nullptr) == (sent != nullptr), "the cookie");
  if (cookie != nullptr)
    demand(cookie->data.size() == 24 && cookie->data.starts_with(kClientCookie), "the cookie's form");
  return faults;
}

constexpr std::string_view kCorefile = R"(example:@PORT@ {
    bind 127.0.0.1
    file tests/support/zones/rfc5155.zone
    cookie {
        secret @FOLDER@/cookies
    }
}
required.test:@PORT@ {
    bind 127.0.0.1
    cookie {
        require
    }
    whoami
}
)";

struct WithSecret : Server {
  WithSecret() : Server(kCorefile, {.wait = false}) {
    static_cast<void>(folder().write("cookies", std::string(kSecret) + "\n"));
    REQUIRE(wait_until([&] { return ask_udp(endpoint(), encode(soa()), Milliseconds(200)).has_value(); },
                       Milliseconds(20000)));
  }
};

// The answer's cookie; empty where there is none.
std::string cookie_of(const Decoded& answer) {
  const Option* const option = answer.opt ? answer.opt->option(kCookie) : nullptr;
  return option == nullptr ? "" : option->data;
}

std::string get_cookie(const Endpoint& server, const std::string& option, std::string& rcode,
                       const std::string& name = "example.") {
  const auto answer =
      ask_udp(server, encode({.name = name, .type = "SOA", .opt = Opt{.options = {{kCookie, option}}}}));
  REQUIRE(answer);
  const Decoded decoded = *decode(*answer);
  rcode = decoded.rcode_text();
  return cookie_of(decoded);
}

}  // namespace

TEST_CASE("edns: what ISC's compliance tests ask is answered as they want it, over UDP and TCP; cookies") {
  const WithSecret server;
  for (const Case& each : cases()) {
    for (const bool over_tcp : {false, true}) {  // ednstcp, dotcp, … among them
      INFO(each.name << (over_tcp ? " over TCP" : ""));
      CHECK(faults(each, over_tcp ? server.ask_tcp(each.question) : server.ask(each.question), over_tcp) == "");
    }
  }

  // Cookies of all lengths; with and without a question.
  for (std::size_t size = 0; size <= 45; ++size) {
    const Decoded answer = server.ask(soa(Opt{.options = {{kCookie, std::string(size, 'c')}}}));
    INFO("a cookie of " << size << " bytes");
    const bool well_formed = size == 8 || (size >= 16 && size <= 40);
    CHECK(answer.rcode_text() == (well_formed ? "NOERROR" : "FORMERR"));
    CHECK(cookie_of(answer).size() == (well_formed ? 24U : 0U));
  }
  const auto without_question = [&](const std::string& option) {
    Packet packet = encode(soa(Opt{.options = {{kCookie, option}}}));
    packet.erase(packet.begin() + 12, packet.begin() + 12 + 9 + 4);  // example., SOA, IN
    packet[5] = 0;
    const auto answer = ask_udp(server.endpoint(), packet);
    REQUIRE(answer);
    return *decode(*answer);
  };
  const Decoded first = without_question(kClientCookie);
  CHECK(first.rcode_text() == "NOERROR");
  CHECK(first.counts == std::array<std::uint16_t, 4>{0, 0, 0, 1});
  const std::string learnt = cookie_of(first);
  REQUIRE(learnt.size() == 24);
  CHECK(cookie_of(without_question(learnt)) == learnt);
  CHECK(without_question(kClientCookie + std::string(16, 'x')).rcode_text() == kBadCookie);
  CHECK(without_question(std::string(9, 'x')).rcode_text() == "FORMERR");

  // Where they are required.
  std::string rcode;
  const std::string offered = get_cookie(server.endpoint(), kClientCookie, rcode, "a.required.test.");
  CHECK(rcode == kBadCookie);
  CHECK(get_cookie(server.endpoint(), offered, rcode, "a.required.test.") == offered);
  CHECK(rcode == "NOERROR");
  CHECK(server.ask({.name = "a.required.test.", .type = "A"}).rcode_text() == "NOERROR");
  CHECK(server.ask_tcp({.name = "a.required.test.", .type = "A", .opt = Opt{.options = {{kCookie, kClientCookie}}}})
            .rcode_text() == "NOERROR");
  const auto dug = run({{"dig", "@127.0.0.1", "-p", std::to_string(server.port()), "+cookie", "a.required.test", "A"}});
  REQUIRE(dug);  // it asks again by itself
  CHECK(dug->find("status: NOERROR") != std::string::npos);
  CHECK(dug->find("(good)") != std::string::npos);
}

TEST_CASE("cookie: BIND and Knot DNS with the same secret take ours, and we take theirs") {
  if (!have_peer("named") || !have_peer("knotd")) return;
  const WithSecret server;
  const Folder folder;
  const ServedZone zone{"example.", std::filesystem::absolute("tests/support/zones/rfc5155.zone")};
  const auto bind = Peer::bind(folder, {zone},
                               fmt::format("cookie-algorithm siphash24; cookie-secret \"{}\"; "
                                           "require-server-cookie yes; answer-cookie yes;",
                                           kSecret));
  const auto knot = Peer::knot(
      folder, {zone}, fmt::format("mod-cookies:\n  - id: default\n    secret: 0x{}\n    badcookie-slip: 1\n", kSecret),
      "    module: mod-cookies/default\n");
  REQUIRE(bind);
  REQUIRE(knot);
  for (const Endpoint& peer : {bind->endpoint(), knot->endpoint()}) {
    std::string rcode;
    const std::string theirs = get_cookie(peer, kClientCookie, rcode);
    CHECK(rcode == kBadCookie);
    REQUIRE(theirs.size() == 24);
    CHECK(get_cookie(server.endpoint(), theirs, rcode) == theirs);  // good, and young: it comes back as it is
    CHECK(get_cookie(server.endpoint(), theirs, rcode, "a.required.test.") == theirs);
    CHECK(rcode == "NOERROR");
    const std::string ours = get_cookie(server.endpoint(), "\x11\x12\x13\x14\x15\x16\x17\x18", rcode);
    static_cast<void>(get_cookie(peer, ours, rcode));
    CHECK(rcode == "NOERROR");
    std::string forged = ours;
    forged.back() = static_cast<char>(forged.back() ^ 1);
    static_cast<void>(get_cookie(peer, forged, rcode));
    CHECK(rcode == kBadCookie);
  }
}
