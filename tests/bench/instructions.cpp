// bench_instructions: asks a Responder, and a UdpListener, one kind of query after the other, for callgrind to count the
// instructions; tests/bench/instructions runs it so, and says what they came to. For each kind a line is printed: how many
// queries were counted, and its name; callgrind is told to write what it has counted by then, under the same name.
//
// The code is the release server's, set up as a dns process sets it up. Whatever chance decides elsewhere is the same in
// each run: the queries, the peers, the seed of the challenge store.
#include <gnu/libc-version.h>
#include <valgrind/callgrind.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "core/libp2p/peer_id.h"
#include "core/server/configuration.h"
#include "core/server/sockets.h"
#include "core/server/udp_listener.h"
#include "core/shm/challenge_store.h"
#include "plugins/plugins.h"
#include "tests/bench/load/queries.h"
#include "tests/support/dns_client.h"
#include "tests/support/dns_message.h"
#include "tests/support/loopback.h"

namespace swage::bench {
namespace {

using dns::Rcode;
using tests::Opt;
using tests::Packet;
using tests::Question;

constexpr std::string_view kCorefile = R"(libp2p.direct {{
    bind 127.0.0.1
    errors
    any
    acme-txt
    ipsubdomain
    file zones/libp2p.direct
}}
example.org {{
    bind 127.0.0.1
    errors
    file zones/example.org
}}
bench.example {{
    bind 127.0.0.1
    errors
    file {}
}}
example {{
    bind 127.0.0.1
    errors
    file tests/support/zones/rfc5155.zone
}}
whoami.test {{
    bind 127.0.0.1
    errors
    whoami
}}
)";
constexpr std::size_t kNames = 100'000;
constexpr std::size_t kVariants = 32;  // different queries of a kind
constexpr std::size_t kRounds = 32;    // how often each is asked
// One less than a batch of the listener, which is then the last one: it is not asked again for what is not there.
constexpr std::size_t kDatagrams = 63;
constexpr std::int64_t kLongHence = std::int64_t{1} << 60;  // milliseconds

std::string peer(std::size_t index) { return peer_label(challenge_key(index)); }

// Values for the first half of the peers, in a table whose hash has always the same seed.
void set_challenges(server::Configuration& configuration) {
  shm::Shared& memory = *configuration.shared.at(shm::ChallengeStore::name("libp2p.direct."));
  constexpr std::uint64_t kCapacity = 1000;
  Result<shm::Segment> segment = shm::Segment::create("challenges", shm::TableWriter::bytes_needed(kCapacity));
  CHECK(segment.has_value());
  shm::TableWriter::format(segment->writable_bytes(), kCapacity, {1, 2, 3});
  shm::TableWriter writer(segment->writable_bytes());
  for (std::size_t i = 0; i < kVariants; ++i) {
    const std::string label = peer(i);
    const auto id = libp2p::PeerId::from_label(as_bytes(label));
    CHECK(id && writer.put(id->multihash(), std::string(43, 'x'), kLongHence, 1));
  }
  memory.replace(*std::move(segment));
}

struct Kind {
  std::string name;
  Rcode rcode;
  unsigned answers;  // records of the answer section
  std::vector<Packet> queries;
};

// `question` has the queries of a kind for each index below kVariants.
template <typename Make>
Kind kind(std::string name, Rcode rcode, unsigned answers, Make question) {
  Kind made{std::move(name), rcode, answers, {}};
  for (std::size_t i = 0; i < kVariants; ++i) made.queries.push_back(tests::encode(question(i)));
  return made;
}

std::vector<Kind> kinds() {
  const auto address = [](std::size_t i) { return fmt::format("{}-0-{}-{}.{}", 20 + i * 7, i, 255 - i, peer(i)); };
  const auto address6 = [](std::size_t i) { return fmt::format("2001-db8-{:x}--{:x}.{}", i * 977, i + 1, peer(i)); };
  const auto in_forge = [](const std::string& name) { return name + ".libp2p.direct."; };
  const auto in_zone = [](std::size_t i) { return zone_label(i * 3001) + ".bench.example."; };
  const Opt edns{};
  const Opt secure{.flags = tests::kDnssecOk};
  std::vector<Kind> all;
  all.push_back(kind("synth A", Rcode::noerror, 1, [&](std::size_t i) {
    return Question{.name = in_forge(address(i)), .type = "A"};
  }));
  all.push_back(kind("synth A, EDNS", Rcode::noerror, 1, [&](std::size_t i) {
    return Question{.name = in_forge(address(i)), .type = "A", .opt = edns};
  }));
  all.push_back(kind("synth AAAA", Rcode::noerror, 1, [&](std::size_t i) {
    return Question{.name = in_forge(address6(i)), .type = "AAAA"};
  }));
  all.push_back(kind("synth, NODATA", Rcode::noerror, 0, [&](std::size_t i) {
    return Question{.name = in_forge(address(i)), .type = "AAAA"};
  }));
  all.push_back(kind("peer, NODATA", Rcode::noerror, 0, [&](std::size_t i) {
    return Question{.name = in_forge(peer(i)), .type = "A"};
  }));
  all.push_back(kind("challenge", Rcode::noerror, 1, [&](std::size_t i) {
    return Question{.name = in_forge("_acme-challenge." + peer(i)), .type = "TXT"};
  }));
  all.push_back(kind("challenge, none", Rcode::noerror, 0, [&](std::size_t i) {
    return Question{.name = in_forge("_acme-challenge." + peer(kVariants + i)), .type = "TXT"};
  }));
  all.push_back(kind("zone A", Rcode::noerror, 1, [&](std::size_t) {
    return Question{.name = "www.example.org.", .type = "A"};
  }));
  all.push_back(kind("zone A, 100,000 names", Rcode::noerror, 1, [&](std::size_t i) {
    return Question{.name = in_zone(i), .type = "A"};
  }));
  all.push_back(kind("zone NXDOMAIN, 100,000 names", Rcode::nxdomain, 0, [&](std::size_t i) {
    return Question{.name = "no-" + in_zone(i), .type = "A"};
  }));
  all.push_back(kind("zone NODATA", Rcode::noerror, 0, [&](std::size_t) {
    return Question{.name = "www.example.org.", .type = "MX"};
  }));
  all.push_back(kind("wildcard", Rcode::noerror, 1, [&](std::size_t i) {
    return Question{.name = fmt::format("w{}.apps.example.org.", i), .type = "A"};
  }));
  all.push_back(kind("CNAME chain", Rcode::noerror, 2, [&](std::size_t) {
    return Question{.name = "ftp.example.org.", .type = "A"};
  }));
  all.push_back(kind("referral", Rcode::noerror, 0, [&](std::size_t i) {
    return Question{.name = fmt::format("w{}.sub.example.org.", i), .type = "A"};
  }));
  all.push_back(kind("MX with addresses, EDNS", Rcode::noerror, 1, [&](std::size_t) {
    return Question{.name = "example.org.", .type = "MX", .opt = edns};
  }));
  all.push_back(kind("signed answer", Rcode::noerror, 2, [&](std::size_t) {
    return Question{.name = "example.", .type = "MX", .opt = secure};
  }));
  all.push_back(kind("whoami", Rcode::noerror, 0, [&](std::size_t i) {
    return Question{.name = fmt::format("w{}.whoami.test.", i), .type = "A"};
  }));
  all.push_back(kind("REFUSED", Rcode::refused, 0, [&](std::size_t i) {
    return Question{.name = fmt::format("w{}.elsewhere.test.", i), .type = "A"};
  }));
  all.push_back(kind("FORMERR", Rcode::formerr, 0, [&](std::size_t i) {
    return Question{.name = fmt::format("w{}.example.org.", i), .type = "A"};
  }));
  for (Packet& query : all.back().queries) query.resize(query.size() - 2);
  return all;
}

void check_answer(const Kind& kind, Bytes answer) {
  const bool right = answer.size() >= 12 && Rcode(answer[3] & 0xF) == kind.rcode && load_u16(&answer[6]) == kind.answers;
  if (right) return;
  std::fprintf(stderr, "bench_instructions: %s: the wrong answer: %s\n", kind.name.c_str(),
               tests::to_hex(answer).c_str());
  std::exit(1);
}

// Counts what is done between `begin` and `end`.
class Count {
 public:
  Count() { CALLGRIND_START_INSTRUMENTATION; }
  void end(const std::string& name, std::size_t queries) {
    CALLGRIND_STOP_INSTRUMENTATION;
    CALLGRIND_DUMP_STATS_AT(name.c_str());
    std::printf("%zu %s\n", queries, name.c_str());
  }
};

void ask(const Kind& kind, const server::Router& router, server::Responder& responder) {
  const server::Arrival arrival{.client = {.address = *IpAddress::parse("192.0.2.7"), .port = 50000},
                                .server = {.address = *IpAddress::parse("127.0.0.1"), .port = 53}};
  std::array<std::uint8_t, dns::kUdpSize> out;
  for (const Packet& query : kind.queries) {
    check_answer(kind, MutableBytes(out).first(responder.respond(router, query, arrival, out)));
  }
  Count count;
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (const Packet& query : kind.queries) static_cast<void>(responder.respond(router, query, arrival, out));
  }
  count.end(kind.name, kRounds * kind.queries.size());
}

// From the socket to the socket; the kernel's part is not counted.
void ask_over_udp(const Kind& kind, server::UdpListener& listener, const Endpoint& endpoint) {
  const tests::UdpClient client(endpoint);
  const auto batch = [&](bool counted) {
    for (std::size_t i = 0; i < kDatagrams; ++i) client.send(kind.queries[i % kVariants]);
    if (counted) {
      Count count;
      listener.serve();
      count.end(kind.name + ", over UDP", kDatagrams);
    } else {
      listener.serve();
    }
    for (std::size_t i = 0; i < kDatagrams; ++i) {
      const auto answer = client.receive();
      check_answer(kind, answer ? Bytes(*answer) : Bytes());
    }
  };
  batch(false);
  batch(true);
}

int run() {
  const tests::Folder folder;
  const std::string zone = folder.file("bench.example");
  CHECK(write_zone(kNames, zone).has_value());
  const tests::Port port;
  config::Sources sources;
  sources.add("Corefile", fmt::format(kCorefile, zone));
  Result<server::Configuration> configuration =
      server::configure(sources, "Corefile", plugins::all(), port.number());
  if (!configuration) {
    std::fprintf(stderr, "bench_instructions: %s\n", configuration.error().text().c_str());
    return 1;
  }
  for (const server::NamedService& each : configuration->services) {
    if (const Result<> prepared = each.service->prepare(); !prepared) {
      std::fprintf(stderr, "bench_instructions: %s\n", prepared.error().text().c_str());
      return 1;
    }
  }
  set_challenges(*configuration);
  Result<server::SocketSet> sockets = server::open_sockets(port.v4(), 1);
  CHECK(sockets.has_value());
  const server::Router& router = configuration->listeners.at(port.v4());
  server::Responder responder;
  const auto batch = server::make_udp_batch();
  server::UdpListener listener(std::move(sockets->udp[0]), port.v4(), router, responder, *batch);
  for (const Kind& each : kinds()) {
    ask(each, router, responder);
    if (each.name == "REFUSED" || each.name == "synth A") ask_over_udp(each, listener, port.v4());
  }
  return 0;
}

}  // namespace
}  // namespace swage::bench

// --platform: what the counts depend on beside the code.
int main(int count, char** arguments) {
  if (count == 2 && std::string_view(arguments[1]) == "--platform") {
    std::printf("gcc %s, glibc %s\n", __VERSION__, gnu_get_libc_version());
    return 0;
  }
  return swage::bench::run();
}
