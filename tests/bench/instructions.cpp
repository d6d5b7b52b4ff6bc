// bench_instructions: asks a Responder, and a UdpListener, one kind of query after the other, for callgrind to count
// the instructions; tests/bench/instructions runs it so, and says what they came to. For each kind a line is printed:
// how many queries were counted, and its name; callgrind is told to write what it has counted by then, under the same
// name.
//
// The code is the release server's, set up as a dns process sets it up. Whatever chance decides elsewhere is the same
// in each run: the queries, the peers, the seed of the challenge store.
#include <gnu/libc-version.h>
#include <valgrind/callgrind.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/dns/encode.h"
#include "core/forge/challenge_store.h"
#include "core/libp2p/peer_id.h"
#include "core/plugin/fetched_answers.h"
#include "core/server/configuration.h"
#include "core/server/sockets.h"
#include "core/server/udp_listener.h"
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

// A text as a template's argument.
template <std::size_t size>
struct FixedText {
  char text[size];
  consteval FixedText(const char (&from)[size]) { std::copy_n(from, size, text); }  // NOLINT: implicit
};

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
// By itself: a zone more would cost all other kinds something.
constexpr std::string_view kCached = "cached.test {\n bind 127.0.0.1\n errors\n cache\n forward . 127.0.0.1:1\n}\n";
constexpr std::size_t kNames = 100'000;
constexpr std::size_t kVariants = 32;  // different queries of a kind
constexpr std::size_t kRounds = 32;    // how often each is asked
// One less than a batch of the listener, which is then the last one: it is not asked again for what is not there.
constexpr std::size_t kDatagrams = 63;
constexpr std::int64_t kSecond = 1'000'000'000, kMinute = 60 * kSecond,
                       kNow = 100 * kMinute;                // nanoseconds, steady clock
constexpr std::int64_t kLongHence = std::int64_t{1} << 60;  // milliseconds

// The label of a peer whose key nobody chose.
std::string peer(std::size_t index) {
  std::array<std::uint8_t, 32> key{};
  std::uint64_t state = 0x9E3779B97F4A7C15 * (index + 1);
  for (std::uint8_t& byte : key) {
    byte = static_cast<std::uint8_t>(state >> 56);
    state = state * 6364136223846793005 + 1442695040888963407;
  }
  return peer_label(key);
}

// Values for the first half of the peers, in a table whose hash has always the same seed.
void set_challenges(server::Configuration& configuration) {
  shm::Shared& memory = *configuration.shared.at(forge::ChallengeStore::name("libp2p.direct."));
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
  CHECK(memory.provide(*std::move(segment)).has_value());
}

std::string of_cache(std::size_t i) { return fmt::format("{}.cached.test.", zone_label(i)); }

// What *forward* has fetched: an address for each name, a minute ago, in a table whose hash has always the same seed.
void fill_cache(server::Configuration& configuration) {
  CHECK(configuration.fetchers.size() == 1);
  AnswerStore store(configuration.fetchers[0].fetcher->memory(), {}, {1, 2, 3});
  CHECK(store.prepare().has_value());
  for (std::size_t i = 0; i < kVariants; ++i) {
    const Result<dns::Name> name = dns::Name::parse(of_cache(i));
    CHECK(name.has_value());
    const std::array<std::uint8_t, 4> address{192, 0, 2, 1};
    Response received;
    received.rcode = Rcode::noerror;
    received.recursion_available = true;
    received.answer.push_back({.owner = *name, .type = dns::Type::a, .ttl = 3600, .rdata = address});
    const FetchedKey key(FetchedQuestion{*name, dns::Type::a});
    CHECK(store.put(as_text(key.bytes()), received, kNow - kMinute).has_value());
  }
}

std::string forge(const std::string& below) { return below + ".libp2p.direct."; }
std::string of_a(std::size_t i) { return forge(fmt::format("{}-0-{}-{}.{}", 20 + i * 7, i, 255 - i, peer(i))); }
std::string of_aaaa(std::size_t i) { return forge(fmt::format("2001-db8-{:x}--{:x}.{}", i * 977, i + 1, peer(i))); }
std::string of_peer(std::size_t i) { return forge(peer(i)); }
std::string of_challenge(std::size_t i) { return forge("_acme-challenge." + peer(i)); }
std::string of_no_challenge(std::size_t i) { return forge("_acme-challenge." + peer(kVariants + i)); }
std::string of_zone(std::size_t i) { return fmt::format("{}.{}.", zone_label(i * 3001), kZoneApex); }
std::string not_of_zone(std::size_t i) { return "no-" + of_zone(i); }
template <FixedText name>
std::string always(std::size_t) {
  return name.text;
}
template <FixedText suffix>
std::string any_below(std::size_t i) {
  return fmt::format("w{}.{}", i, suffix.text);
}

enum class Extra : std::uint8_t { none, edns, dnssec, cut };

// A kind of queries, and what tells their right answer from others.
struct Kind {
  std::string_view name;
  std::string (*qname)(std::size_t index);
  const char* type;
  Extra extra;
  Rcode rcode;
  unsigned answers;  // records of the answer section
};

constexpr auto kKinds = std::to_array<Kind>({
    {"synth A", of_a, "A", Extra::none, Rcode::noerror, 1},
    {"synth A, EDNS", of_a, "A", Extra::edns, Rcode::noerror, 1},
    {"synth AAAA", of_aaaa, "AAAA", Extra::none, Rcode::noerror, 1},
    {"synth NODATA", of_a, "AAAA", Extra::none, Rcode::noerror, 0},
    {"peer NODATA", of_peer, "A", Extra::none, Rcode::noerror, 0},
    {"challenge", of_challenge, "TXT", Extra::none, Rcode::noerror, 1},
    {"challenge, not set", of_no_challenge, "TXT", Extra::none, Rcode::noerror, 1},
    {"zone A", always<"www.example.org.">, "A", Extra::none, Rcode::noerror, 1},
    {"zone A, 100,000 names", of_zone, "A", Extra::none, Rcode::noerror, 1},
    {"zone NXDOMAIN, 100,000 names", not_of_zone, "A", Extra::none, Rcode::nxdomain, 0},
    {"zone NODATA", always<"www.example.org.">, "MX", Extra::none, Rcode::noerror, 0},
    {"zone MX and addresses, EDNS", always<"example.org.">, "MX", Extra::edns, Rcode::noerror, 1},
    {"wildcard", any_below<"apps.example.org.">, "A", Extra::none, Rcode::noerror, 1},
    {"CNAME chain", always<"ftp.example.org.">, "A", Extra::none, Rcode::noerror, 2},
    {"referral", any_below<"sub.example.org.">, "A", Extra::none, Rcode::noerror, 0},
    {"signed answer", always<"example.">, "MX", Extra::dnssec, Rcode::noerror, 2},
    {"whoami", any_below<"whoami.test.">, "A", Extra::none, Rcode::noerror, 0},
    {"REFUSED", any_below<"elsewhere.test.">, "A", Extra::none, Rcode::refused, 0},
    {"FORMERR", any_below<"example.org.">, "A", Extra::cut, Rcode::formerr, 0},
});

constexpr Kind kCachedKind{"cached", of_cache, "A", Extra::none, Rcode::noerror, 1};

// Those that are asked over UDP too.
bool goes_over_udp(const Kind& kind) { return kind.name == "synth A" || kind.name == "REFUSED"; }

std::vector<Packet> queries_of(const Kind& kind) {
  std::vector<Packet> queries;
  for (std::size_t i = 0; i < kVariants; ++i) {
    Question question{.name = kind.qname(i), .type = kind.type};
    if (kind.extra == Extra::edns) question.opt = Opt{};
    if (kind.extra == Extra::dnssec) question.opt = Opt{.flags = tests::kDnssecOk};
    queries.push_back(tests::encode(question));
    if (kind.extra == Extra::cut) queries.back().resize(queries.back().size() - 2);
  }
  return queries;
}

void check_answer(const Kind& kind, Bytes answer) {
  const bool is_right =
      answer.size() >= 12 && static_cast<Rcode>(answer[3] & 0xF) == kind.rcode && load_u16(&answer[6]) == kind.answers;
  if (is_right) return;
  std::fprintf(stderr, "bench_instructions: %s: the wrong answer: %s\n", std::string(kind.name).c_str(),
               tests::to_hex(answer).c_str());
  std::exit(1);
}

void end_of_count(const std::string& name, std::size_t queries) {
  CALLGRIND_STOP_INSTRUMENTATION;
  CALLGRIND_DUMP_STATS_AT(name.c_str());
  std::printf("counted %zu %s\n", queries, name.c_str());
}

void ask(const Kind& kind, const std::vector<Packet>& queries, const server::Router& router,
         server::Responder& responder) {
  server::Arrival arrival{.client = {.address = *IpAddress::parse("192.0.2.7"), .port = 50000},
                          .server = {.address = *IpAddress::parse("127.0.0.1"), .port = 53},
                          .received = kNow};
  std::array<std::uint8_t, dns::kUdpSize> out;
  for (const Packet& query : queries) {
    check_answer(kind, MutableBytes(out).first(responder.respond(router, query, arrival, out)));
  }
  CALLGRIND_START_INSTRUMENTATION;
  for (std::size_t round = 0; round < kRounds; ++round) {
    arrival.received += kSecond;  // so many large answers a second are not limited
    for (const Packet& query : queries) static_cast<void>(responder.respond(router, query, arrival, out));
  }
  end_of_count(std::string(kind.name), kRounds * queries.size());
}

// From the socket to the socket; the kernel's part is not counted.
void ask_over_udp(const Kind& kind, const std::vector<Packet>& queries, server::UdpListener& listener,
                  const Endpoint& endpoint) {
  const tests::UdpClient client(endpoint);
  for (const bool counted : {false, true}) {
    for (std::size_t i = 0; i < kDatagrams; ++i) client.send(queries[i % kVariants]);
    if (counted) CALLGRIND_START_INSTRUMENTATION;
    listener.serve();
    if (counted) end_of_count(fmt::format("{}, over UDP", kind.name), kDatagrams);
    for (std::size_t i = 0; i < kDatagrams; ++i) {
      const auto answer = client.receive();
      check_answer(kind, answer ? Bytes(*answer) : Bytes());
    }
  }
}

// As a dns process is, with memory in which large answers are counted.
void protect(server::Responder& responder, server::Configuration& configuration) {
  shm::WorkerMemory& memory = *configuration.worker_memories.at(server::AmplificationLimit::kName);
  Result<shm::Segment> own = shm::Segment::create("large answers", memory.size());
  CHECK(own.has_value());
  memory.begin(0, *std::move(own));
  responder.protect(configuration);
}

int ask_cached(const tests::Port& port) {
  config::Sources sources;
  sources.add("Corefile", std::string(kCached));
  Result<server::Configuration> configuration = server::configure(sources, "Corefile", plugins::all(), port.number());
  CHECK(configuration.has_value());
  fill_cache(*configuration);
  server::Responder responder;
  protect(responder, *configuration);
  std::vector<Packet> queries = queries_of(kCachedKind);
  for (Packet& query : queries) query[2] |= 1;  // RD, as clients of a cache have it
  ask(kCachedKind, queries, configuration->listeners.at(port.v4()), responder);
  return 0;
}

int run() {
  const tests::Folder folder;
  const std::string zone = folder.file("bench.example");
  CHECK(write_zone(kNames, zone).has_value());
  const tests::Port port;
  config::Sources sources;
  sources.add("Corefile", fmt::format(kCorefile, zone));
  Result<server::Configuration> configuration = server::configure(sources, "Corefile", plugins::all(), port.number());
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
  protect(responder, *configuration);
  const auto batch = server::make_udp_batch();
  server::UdpListener listener(std::move(sockets->udp[0]), port.v4(), router, responder, *batch);
  for (const Kind& each : kKinds) {
    const std::vector<Packet> queries = queries_of(each);
    ask(each, queries, router, responder);
    if (goes_over_udp(each)) ask_over_udp(each, queries, listener, port.v4());
  }
  return ask_cached(port);
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
