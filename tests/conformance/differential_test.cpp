// The same generated zones served by swage, Knot DNS and NSD; the same generated queries; the answers compared. Where
// the three do not agree, the difference must be in the list of explained ones (explained_differences.h).
//
// SWAGE_SEED in the environment tries other zones and queries than those of every day; SWAGE_QUERIES asks more,
// SWAGE_SHOW prints more of what is not explained.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include <fmt/format.h>

#include "tests/conformance/explained_differences.h"
#include "tests/support/bulk.h"
#include "tests/support/peers.h"
#include "tests/support/server.h"
#include "tests/support/signer.h"
#include "tests/support/zone_generator.h"

#include <catch2/catch.hpp>

namespace swage::tests {
namespace {

constexpr std::size_t kBatch = 64;       // queries under way at each server
constexpr std::size_t kTcpBatches = 10;  // one batch of so many goes over TCP
constexpr const char* kTypes[] = {"A",     "A",         "A",         "AAAA",   "TXT",  "TXT",        "MX",    "NS",
                                  "NS",    "SOA",       "DS",        "DS",     "SRV",  "CAA",        "PTR",   "CNAME",
                                  "DNAME", "TYPE65280", "TYPE65281", "DNSKEY", "NSEC", "NSEC3PARAM", "HTTPS", "NSEC3"};
// QTYPE ANY is not asked: what a server makes of it is its own choice (RFC 8482). Nor is RRSIG, for the same reason:
// some servers give one signature, some all, some none.

struct Zone {
  GeneratedZone generated;
  Signing signing;
  ServedZone served;
  std::set<RecordText> records;
};

class World {
 public:
  explicit World(std::uint32_t seed) {
    std::uint32_t number = 0;
    for (int round = 0; round < 2; ++round) {
      for (const Signing signing : {Signing::none, Signing::nsec, Signing::nsec3, Signing::nsec3_opt_out}) {
        const std::string name = fmt::format("zone{}.test.", number);
        Zone zone{generate_zone(name, seed + number), signing, {name, ""}, {}};
        zone.served.file = need(write_zone(folder_, name, zone.generated.text, signing)).file;
        for (const std::string& text : need(zone_records(zone.served.file))) {
          zone.records.insert(RecordText::parse(text));
        }
        zones.push_back(std::move(zone));
        ++number;
      }
    }
  }

  [[nodiscard]] const Folder& folder() const { return folder_; }
  [[nodiscard]] std::vector<ServedZone> served() const {
    std::vector<ServedZone> result;
    for (const Zone& zone : zones) result.push_back(zone.served);
    return result;
  }
  [[nodiscard]] std::string corefile() const {
    std::string text;
    for (const Zone& zone : zones) {
      text += fmt::format("{} {{\n    bind 127.0.0.1\n    file {}\n}}\n", zone.served.name, zone.served.file);
    }
    return text;
  }

  template <typename T>
  static T need(Result<T> result) {
    if (!result) FAIL(result.error().text());
    return *std::move(result);
  }

  std::vector<Zone> zones;

 private:
  Folder folder_;
};

// Draws questions for one zone.
class QuestionSource {
 public:
  QuestionSource(const Zone& zone, std::uint32_t seed) : names_(zone.generated, seed), random_(seed) {}

  Question next(std::uint16_t id) {
    Question question{.name = names_.next(), .type = kTypes[random_() % std::size(kTypes)], .id = id};
    const std::size_t kind = random_() % 4;
    if (kind == 0) question.opt = Opt{.udp_size = 4096};
    if (kind >= 2) question.opt = Opt{.udp_size = 1232, .flags = kDnssecOk};
    if (random_() % 2 == 0) question.flags |= kRd;
    return question;
  }

 private:
  NameSource names_;
  std::mt19937 random_;
};

class Asker {
 public:
  explicit Asker(const Endpoint& server) : server_(server), client_(server) {}

  // Truncated answers over UDP are fetched again over TCP: where to cut is the server's choice.
  std::vector<Packet> ask(const std::vector<Packet>& queries, bool over_tcp) const {
    const auto answers = over_tcp ? ask_all_tcp(server_, queries) : ask_all_udp(client_, queries);
    std::vector<Packet> result;
    for (std::size_t at = 0; at < queries.size(); ++at) {
      if (!answers[at]) FAIL(server_.to_string() << " does not answer " << to_hex(queries[at]));
      result.push_back((answers[at]->at(2) & 2) != 0 ? again(queries[at]) : *answers[at]);
    }
    return result;
  }

 private:
  Packet again(const Packet& query) const {
    const auto answer = ask_tcp(server_, query);
    if (!answer) FAIL(server_.to_string() << " does not answer over TCP " << to_hex(query));
    return *answer;
  }

  Endpoint server_;
  UdpClient client_;
};

ComparableAnswer comparable(const Packet& packet, const Zone& zone) {
  return {World::need(decode(packet)), zone.served.name};
}

// Additional records are free, but they must be the zone's.
void check_additional(const Comparison& comparison, const Zone& zone) {
  for (const RecordText& record : comparison.swage.extra) {
    if (zone.records.contains(record)) continue;
    FAIL_CHECK("not in the zone: " << record.to_string() << "\n" << comparison.to_string());
  }
}

// Counts what was seen and keeps what is not explained.
class Findings {
 public:
  void add(const Comparison& comparison) {
    ++queries_;
    if (comparison.same()) return;
    const bool known = comparison.alone() != "nobody"
                           ? explained({comparison.alone()}, comparison)
                           : explained({"knot", "swage"}, comparison.with(comparison.knot)) &&
                                 explained({"nsd", "swage"}, comparison.with(comparison.nsd));
    if (known) return;
    ++unexplained_[std::string(comparison.alone())];
    if (shown_.size() < number_from("SWAGE_SHOW", 12)) shown_.push_back(comparison.to_string());
  }

  void print() const {
    std::printf("%zu queries\n", queries_);
    for (const auto& [text, count] : explained_) std::printf("%7zu  %s\n", count, text.c_str());
    for (const auto& [who, count] : unexplained_) std::printf("%7zu  unexplained: %s alone\n", count, who.c_str());
  }

  [[nodiscard]] std::size_t queries() const { return queries_; }
  [[nodiscard]] const std::vector<std::string>& unexplained() const { return shown_; }

 private:
  bool explained(std::initializer_list<std::string_view> who, const Comparison& comparison) {
    for (const Explanation& each : kExplained) {
      if (std::find(who.begin(), who.end(), each.who) == who.end() || !each.covers(comparison)) continue;
      ++explained_[fmt::format("{} {}", each.who, each.text)];
      return true;
    }
    return false;
  }

  std::size_t queries_ = 0;
  std::map<std::string, std::size_t> explained_, unexplained_;
  std::vector<std::string> shown_;
};

void compare_zone(const Zone& zone, std::uint32_t seed, const std::array<const Asker*, 3>& servers, std::size_t queries,
                  Findings& findings) {
  QuestionSource source(zone, seed);
  for (std::size_t batch = 0; batch * kBatch < queries; ++batch) {
    std::vector<Question> questions;
    std::vector<Packet> packets;
    for (std::uint16_t id = 0; id < kBatch; ++id) {
      questions.push_back(source.next(id));
      packets.push_back(encode(questions.back()));
    }
    const bool over_tcp = batch % kTcpBatches == 0;
    std::array<std::vector<Packet>, 3> answers;
    for (std::size_t at = 0; at < servers.size(); ++at) answers[at] = servers[at]->ask(packets, over_tcp);
    for (std::size_t at = 0; at < kBatch; ++at) {
      const Comparison comparison{zone.generated,
                                  zone.signing,
                                  questions[at],
                                  comparable(answers[0][at], zone),
                                  comparable(answers[1][at], zone),
                                  comparable(answers[2][at], zone)};
      check_additional(comparison, zone);
      findings.add(comparison);
    }
  }
}

}  // namespace

TEST_CASE("swage, Knot DNS and NSD answer alike") {
  if (!have_peer("knotd") || !have_peer("nsd") || !have_peer("ldns-signzone")) return;
  const std::uint32_t seed = number_from("SWAGE_SEED", 1);
  const std::size_t queries = number_from("SWAGE_QUERIES", 24000);
  const World world(seed);
  const Peer knot = World::need(Peer::knot(world.folder(), world.served()));
  const Peer nsd = World::need(Peer::nsd(world.folder(), world.served()));
  const Server server(world.corefile());
  const Asker ask_swage(server.endpoint()), ask_knot(knot.endpoint()), ask_nsd(nsd.endpoint());

  Findings findings;
  for (const Zone& zone : world.zones) {
    compare_zone(zone, seed, {&ask_swage, &ask_knot, &ask_nsd}, queries / world.zones.size(), findings);
  }
  findings.print();
  for (const std::string& text : findings.unexplained()) FAIL_CHECK(text);
  REQUIRE(findings.queries() >= std::min<std::size_t>(queries, 20000));
}

}  // namespace swage::tests
