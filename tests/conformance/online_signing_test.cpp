// Zones that *dnssec* signs while answering, through Debian's unbound, which validates, spells names in mixed case and
// uses NSEC records for other questions (RFC 8198): every answer is secure, and says what swage's answer says.
// $SWAGE_QUESTIONS: how many questions, for each zone.
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <random>

#include <fmt/format.h>

#include "core/dnssec/key_file.h"
#include "tests/support/comparable_answer.h"
#include "tests/support/peers.h"
#include "tests/support/server.h"
#include "tests/support/zone_generator.h"

#include <catch2/catch.hpp>

namespace swage::tests {
namespace {

using dnssec::Key;

constexpr Milliseconds kResolving{15000};
constexpr std::uint16_t kAuthentic = 0x20;  // AD
constexpr const char* kTypes[] = {"A", "A", "AAAA", "TXT", "MX", "NS", "SRV", "TYPE65280", "CAA", "SOA"};

template <typename T>
T need(Result<T> result) {
  if (!result) FAIL(result.error().text());
  return *std::move(result);
}

Key new_key(const Folder& folder, const std::string& zone, std::uint16_t flags, dnssec::Algorithm algorithm) {
  const Key key = need(Key::generate(need(dns::Name::parse(zone)), algorithm, flags));
  REQUIRE(dnssec::write_key_files(std::string(folder.path()), {.key = key, .ttl = 1}).has_value());
  return key;
}

std::string anchor_of(const Folder& folder, const Key& key) {
  std::ifstream file(fmt::format("{}/{}.key", folder.path(), dnssec::file_name(key)));
  std::string line;
  while (std::getline(file, line) && line.starts_with(';')) {
  }
  return line;
}

// A zone, and the Corefile's block for it.
struct World {
  explicit World(std::uint32_t seed, dnssec::Algorithm algorithm)
      : zone(generate_zone("zone.test.", seed)),
        ksk(new_key(folder, zone.name, dnssec::kKsk, algorithm)),
        zsk(new_key(folder, zone.name, dnssec::kZsk, algorithm)) {
    std::ofstream(fmt::format("{}/zone", folder.path())) << zone.text;
  }
  [[nodiscard]] std::string corefile(const std::vector<Key>& keys) const {
    std::string names;
    for (const Key& key : keys) names += fmt::format(" {}/{}", folder.path(), dnssec::file_name(key));
    return fmt::format("{} {{\n bind 127.0.0.1\n dnssec {{\n  key file{}\n  budget 1000000\n }}\n file {}/zone\n}}\n",
                       zone.name, names, folder.path());
  }

  Folder folder;
  GeneratedZone zone;
  Key ksk, zsk;
};

Decoded resolve(const Peer& unbound, const Question& question) {
  const Question asked{.name = question.name, .type = question.type, .flags = kRd, .opt = Opt{.flags = kDnssecOk}};
  const auto answer = ask_tcp(unbound.endpoint(), encode(asked), kResolving);
  if (!answer) FAIL("unbound does not answer " << question.name << " " << question.type << "\n" << unbound.log());
  return need(decode(*answer));
}

// The rcode and the data of the records of `type`. That there is no such name is said by NXNAME to one resolver, and by
// the rcode to another.
std::string outcome(const Decoded& decoded, const std::string& type) {
  std::vector<std::string> data;
  for (const std::string& text : decoded.answer) {
    const RecordText record = RecordText::parse(text);
    if (record.type == RecordText::parse(". 0 IN " + type).type) data.push_back(record.data);
  }
  std::sort(data.begin(), data.end());
  const std::string rcode = decoded.rcode_text() == "NXDOMAIN" ? "NOERROR" : decoded.rcode_text();
  return fmt::format("{} {}", rcode, fmt::join(data, " "));
}

// True if the answer needs no other server: no delegation, no name outside, no loop.
bool is_complete(const Decoded& answer, const std::string& type) {
  const auto is = [](const std::string& text, std::string_view wanted) {
    return RecordText::parse(text).type == wanted;
  };
  const auto cname = [&](const std::string& text) { return is(text, "cname"); };
  if (!answer.has(kAa) || std::count_if(answer.answer.begin(), answer.answer.end(), cname) > 8) return false;
  return outcome(answer, type) != "NOERROR " || std::any_of(answer.authority.begin(), answer.authority.end(),
                                                            [&](const auto& text) { return is(text, "soa"); });
}

// Whether a question could be compared; it was, then.
bool compare(const Server& server, const Peer& unbound, const Question& question) {
  const Decoded direct = server.ask_tcp(question);
  if (!is_complete(direct, question.type)) return false;
  const Decoded answer = resolve(unbound, question);
  if (outcome(answer, question.type) != outcome(direct, question.type) || !answer.has(kAuthentic)) {
    FAIL_CHECK(question.name << " " << question.type << "\nunbound: " << answer.to_string()
                             << "swage: " << direct.to_string() << unbound.log());
  }
  return true;
}

void reload(const Server& server, Process& process, const std::string& corefile) {
  const auto begun = [&] {
    const std::string log = server.log();
    std::size_t count = 0;
    for (std::size_t at = 0; (at = log.find("Reloading complete", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  const std::size_t before = begun();
  server.write_corefile(corefile);
  process.signal(SIGUSR1);
  REQUIRE(wait_until([&] { return begun() > before; }, Milliseconds(60000)));
}

}  // namespace

TEST_CASE("online signing: unbound finds every answer of a zone secure, also while its keys change") {
  if (!have_peer("unbound")) return;
  const auto algorithm = GENERATE(dnssec::Algorithm::ecdsap256sha256, dnssec::Algorithm::ed25519);
  const std::uint32_t seed = number_from("SWAGE_SEED", 7);
  const World world(seed, algorithm);
  Server server(world.corefile({world.ksk, world.zsk}), {.workers = 2});
  const Peer unbound = need(Peer::unbound(
      world.folder,
      {.authority = server.endpoint(), .zones = {world.zone.name}, .anchors = {anchor_of(world.folder, world.ksk)}}));
  NameSource names(world.zone, seed);
  std::mt19937 random(seed);
  const unsigned questions = number_from("SWAGE_QUESTIONS", 300);
  unsigned compared = 0;
  for (unsigned i = 0; i < questions; ++i) {
    if (i == questions / 2) {  // both keys sign
      const Key next = new_key(world.folder, world.zone.name, dnssec::kZsk, algorithm);
      reload(server, server.process(), world.corefile({world.ksk, world.zsk, next}));
    }
    const std::string name = names.next();
    // This unbound computes the wrong signer's name for names made from a wildcard that begin with an asterisk
    // themselves.
    if (name.starts_with("*.")) continue;
    compared += compare(server, unbound,
                        {.name = name, .type = kTypes[random() % std::size(kTypes)], .opt = Opt{.flags = kDnssecOk}})
                    ? 1
                    : 0;
  }
  CHECK(compared > questions / 4);
}

TEST_CASE("online signing: unbound finds computed names secure") {
  if (!have_peer("unbound")) return;
  const Folder folder;
  const Key key = new_key(folder, "libp2p.direct", dnssec::kKsk, dnssec::Algorithm::ecdsap256sha256);
  const Server server(
      fmt::format("libp2p.direct {{\n bind 127.0.0.1\n dnssec {{\n  key file {}/{}\n  budget 1000000\n }}\n"
                  " ipsubdomain\n file zones/libp2p.direct\n}}\n",
                  folder.path(), dnssec::file_name(key)),
      {.workers = 2});
  const Peer unbound = need(Peer::unbound(
      folder, {.authority = server.endpoint(), .zones = {"libp2p.direct."}, .anchors = {anchor_of(folder, key)}}));
  std::mt19937 random(number_from("SWAGE_SEED", 7));
  constexpr const char* kPeers[] = {"k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk",
                                    "bafzbeiagwnqiviaae5aet2zivwhhsorg75x2wka2pu55o7grr23ulx5kxm", "notapeer"};
  const unsigned questions = number_from("SWAGE_QUESTIONS", 300);
  for (unsigned i = 0; i < questions; ++i) {
    const auto a = random() % 3, b = random() % 4;
    const std::string label = random() % 4 == 0   ? ""
                              : random() % 4 == 0 ? "foo."
                              : random() % 3 == 0 ? fmt::format("2001-db8--{:x}.", a)
                                                  : fmt::format("1-2-{}-{}.", a, b);
    compare(server, unbound,
            {.name = label + kPeers[random() % std::size(kPeers)] + ".libp2p.direct.",
             .type = kTypes[random() % std::size(kTypes)],
             .opt = Opt{.flags = kDnssecOk}});
  }
}

TEST_CASE("online signing: a flood of names leaves those alone that were signed before") {
  const Folder folder;
  const Key key = new_key(folder, "libp2p.direct", dnssec::kKsk, dnssec::Algorithm::ecdsap256sha256);
  const Server server(
      fmt::format("libp2p.direct {{\n bind 127.0.0.1\n prometheus 127.0.0.1:@PORT2@\n dnssec {{\n"
                  "  key file {}/{}\n  budget 20\n }}\n file zones/libp2p.direct\n}}\n",
                  folder.path(), dnssec::file_name(key)));
  const auto ask = [&](const std::string& name, const std::string& type) {
    return server.ask({.name = name, .type = type, .opt = Opt{.flags = kDnssecOk}});
  };
  REQUIRE(ask("libp2p.direct.", "CAA").answer.size() == 2);
  unsigned refused = 0, hot = 0;
  constexpr unsigned kNames = 1000;
  for (unsigned i = 0; i < kNames; ++i) {
    const Decoded answer = ask(fmt::format("n{}.libp2p.direct.", i), "A");
    refused += answer.has(kTc) ? 1 : 0;
    CHECK(answer.authority.size() == (answer.has(kTc) ? 0 : 4));
    if (i % 10 == 0) hot += ask("libp2p.direct.", "CAA").answer.size() == 2 ? 1 : 0;
  }
  CHECK(refused > 0);
  CHECK(hot == kNames / 10);
  CHECK(server.metric("swage_dnssec_over_budget_total") == refused);
  CHECK(server.metric("swage_dnssec_signatures_total") + refused == kNames + 2);  // CAA and SOA
  const Decoded over_tcp = server.ask_tcp({.name = "late.libp2p.direct.", .type = "A", .opt = Opt{.flags = kDnssecOk}});
  CHECK(over_tcp.authority.size() == 4);
}

TEST_CASE("online signing: keys come to dns processes, and never to the one that asks other nameservers") {
  const Folder folder;
  const Key key = new_key(folder, "example.org", dnssec::kKsk, dnssec::Algorithm::ecdsap256sha256);
  Server server(
      fmt::format("example.org {{\n bind 127.0.0.1\n dnssec {{\n  key file {}/{}\n }}\n file zones/example.org\n}}\n"
                  "example.net {{\n bind 127.0.0.1\n forward . 127.0.0.1:1\n}}\n",
                  folder.path(), dnssec::file_name(key)));
  const auto has_keys = [&](std::string_view kind) {
    const auto found = children(server.process().pid(), kind);
    REQUIRE(found.size() == 1);
    return read_file(fmt::format("/proc/{}/maps", found.front())).find("swage dnssec") != std::string::npos;
  };
  if (geteuid() != 0) return;  // others may not look
  CHECK(has_keys("@dns"));
  CHECK_FALSE(has_keys("@fetch"));
}

}  // namespace swage::tests
