// Debian's unbound resolves through swage: strict QNAME minimisation, 0x20, and DNSSEC validation of generated zones.
// What it says is what a browser or a CA would see.
#include <algorithm>
#include <cstdlib>
#include <random>

#include <fmt/format.h>

#include "tests/support/comparable_answer.h"
#include "tests/support/peers.h"
#include "tests/support/server.h"
#include "tests/support/signer.h"
#include "tests/support/zone_generator.h"

#include <catch2/catch.hpp>

namespace swage::tests {
namespace {

constexpr Milliseconds kResolving{15000};
constexpr std::string_view kPeers[] = {
    "k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk",
    "k51qzi5uqu5dgf513xbrfjl4smgo2eh1x8p8y6grzsf1oz0reiy56p65tds3s6",
    "k2k4r8jl0yz8qjgqbmc2cdu5hkqek5rj6flgnlkyywynci20j0iuyfuj",
    "kzwfwjn5ji4pumpg71bsqo7lis6a34i87naqaig2enb53byuiv631hx7cs4e8pk",
    "bafzbeiagwnqiviaae5aet2zivwhhsorg75x2wka2pu55o7grr23ulx5kxm",
};
constexpr std::string_view kForge = R"(
libp2p.direct {
    bind 127.0.0.1
    ipsubdomain
    file zones/libp2p.direct
}
)";

template <typename T>
T need(Result<T> result) {
  if (!result) FAIL(result.error().text());
  return *std::move(result);
}

// The resolver's answer to a client that wants to know whether it is validated.
Decoded resolve(const Peer& unbound, const std::string& name, const std::string& type) {
  const Question question{.name = name, .type = type, .flags = kRd, .opt = Opt{.flags = kDnssecOk}};
  const auto answer = ask_udp(unbound.endpoint(), encode(question), kResolving);
  if (!answer) FAIL("unbound does not answer " << name << " " << type << "\n" << unbound.log());
  const Decoded decoded = need(decode(*answer));
  return decoded.has(kTc) ? need(decode(ask_tcp(unbound.endpoint(), encode(question), kResolving).value())) : decoded;
}

// "NOERROR 1.2.3.4": the rcode, and the data of the records of `type`.
std::string outcome(const Decoded& decoded, const std::string& type) {
  std::vector<std::string> data;
  for (const std::string& text : decoded.answer) {
    const RecordText record = RecordText::parse(text);
    if (record.type == RecordText::parse(". 0 IN " + type).type) data.push_back(record.data);
  }
  std::sort(data.begin(), data.end());
  return fmt::format("{} {}", decoded.rcode_text(), fmt::join(data, " "));
}

struct Expected {
  std::string name, type, outcome;
};

std::vector<Expected> forge_names() {
  std::vector<Expected> names;
  for (const std::string_view peer : kPeers) {
    const std::string zone = fmt::format("{}.libp2p.direct.", peer);
    for (const Expected& each : std::initializer_list<Expected>{
             {"1-2-3-4.", "A", "NOERROR 1.2.3.4"},
             {"192-168-1-100.", "A", "NOERROR 192.168.1.100"},
             {"2001-db8--1.", "AAAA", "NOERROR 2001:db8::1"},
             {"0--ffff-102-304.", "AAAA", "NOERROR ::ffff:1.2.3.4"},
             {"1-2-3-4.", "AAAA", "NOERROR "},
             {"2001-db8--1.", "A", "NOERROR "},
             {"", "A", "NOERROR "},
             {"", "CAA", "NOERROR "},
             {"foo.", "A", "NOERROR "},
             {"_acme-challenge.", "A", "NOERROR "},
             {"_4002._https.1-2-3-4.", "HTTPS", "NOERROR "},
         }) {
      names.push_back({each.name + zone, each.type, each.outcome});
    }
  }
  names.push_back({"libp2p.direct.", "CAA", R"(NOERROR 0 issue "letsencrypt.org")"});
  names.push_back({"_psl.libp2p.direct.", "TXT", R"(NOERROR "https://github.com/publicsuffix/list/pull/2084")"});
  names.push_back({"registration.libp2p.direct.", "A", "NOERROR 192.0.2.80"});
  names.push_back({"a.b._domainkey.libp2p.direct.", "TXT", R"(NOERROR "v=dkim1; p=")"});
  names.push_back({"notapeer.libp2p.direct.", "A", "NXDOMAIN "});
  names.push_back({"1-2-3-4.notapeer.libp2p.direct.", "A", "NXDOMAIN "});
  return names;
}

// True if the answer, which comes from swage, needs no other server: no delegation, no name outside, no loop. (QTYPE
// CNAME and DNAME are not asked: this unbound wants signatures of the CNAMEs that DNAMEs make.)
bool is_complete(const Decoded& answer, const std::string& type) {
  const auto is = [](const std::string& text, std::string_view wanted) {
    return RecordText::parse(text).type == wanted;
  };
  const auto cname = [&](const std::string& text) { return is(text, "cname"); };
  if (!answer.has(kAa) || std::count_if(answer.answer.begin(), answer.answer.end(), cname) > 8) return false;
  return outcome(answer, type) != "NOERROR " || std::any_of(answer.authority.begin(), answer.authority.end(),
                                                            [&](const auto& text) { return is(text, "soa"); });
}

// DS at an apex is a question for the parent zone, which is not served here.
bool names_apex(const Question& question, const GeneratedZone& zone) {
  return RecordText::parse(question.name + " 0 IN A").owner == zone.name;
}

class SignedWorld {
 public:
  SignedWorld() {
    std::uint32_t seed = 7;
    for (const Signing each : {Signing::nsec, Signing::nsec3, Signing::nsec3_opt_out}) {
      const std::string name = fmt::format("zone{}.test.", zones.size());
      zones.push_back(generate_zone(name, seed++));
      const WrittenZone written = need(write_zone(folder, name, zones.back().text, each));
      corefile += fmt::format("{} {{\n    bind 127.0.0.1\n    file {}\n}}\n", name, written.file);
      anchors.push_back(written.anchor);
      names.push_back(name);
    }
  }

  Folder folder;
  std::vector<GeneratedZone> zones;
  std::vector<std::string> names, anchors;
  std::string corefile;
};

}  // namespace

TEST_CASE("unbound resolves the names of a forge") {
  if (!have_peer("unbound")) return;
  const Server server(kForge, {.workers = 2});
  const Folder folder;
  const Peer unbound = need(Peer::unbound(folder, {.authority = server.endpoint(), .zones = {"libp2p.direct."}}));
  for (int round = 0; round < 2; ++round) {  // the second time some answers come from unbound's memory
    for (const Expected& each : forge_names()) {
      INFO(each.name << " " << each.type);
      const Decoded answer = resolve(unbound, each.name, each.type);
      INFO(answer.to_string());
      REQUIRE(outcome(answer, each.type) == each.outcome);
    }
  }
}

TEST_CASE("unbound finds the answers from signed zones valid") {
  if (!have_peer("unbound") || !have_peer("ldns-signzone")) return;
  const SignedWorld world;
  const Server server(world.corefile);
  const Peer unbound = need(
      Peer::unbound(world.folder, {.authority = server.endpoint(), .zones = world.names, .anchors = world.anchors}));
  constexpr const char* kTypes[] = {"A", "A", "AAAA", "TXT", "MX", "NS", "DS", "SRV", "TYPE65280", "CAA"};
  std::mt19937 random(7);
  std::size_t compared = 0;
  for (const GeneratedZone& zone : world.zones) {
    NameSource names(zone, 7);
    for (int count = 0; count < 1000; ++count) {
      const Question question{
          .name = names.next(), .type = kTypes[random() % std::size(kTypes)], .opt = Opt{.flags = kDnssecOk}};
      const Decoded direct = server.ask_tcp(question);
      // This unbound computes the wrong signer's name for names made from a wildcard that begin with an asterisk
      // themselves.
      if (question.name.starts_with("*.")) continue;
      const bool parents = question.type == "DS" && (names_apex(question, zone) || !direct.answer.empty());
      if (parents || !is_complete(direct, question.type)) continue;
      ++compared;
      const Decoded answer = resolve(unbound, question.name, question.type);
      if (outcome(answer, question.type) == outcome(direct, question.type)) continue;
      FAIL_CHECK(question.name << " " << question.type << "\nunbound: " << answer.to_string()
                               << "swage: " << direct.to_string());
    }
  }
  REQUIRE(compared > 1000);
}

}  // namespace swage::tests
