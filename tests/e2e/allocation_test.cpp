// The way of a UDP query, from the socket to the socket, allocates nothing: counted with AddressSanitizer's hooks,
// which see every malloc of the process.
#include <sys/socket.h>

#include <atomic>
#include <ctime>

#include "core/forge/challenge_store.h"
#include "core/libp2p/peer_id.h"
#include "core/server/configuration.h"
#include "core/server/sockets.h"
#include "core/server/udp_listener.h"
#include "plugins/plugins.h"
#include "tests/support/dns_client.h"
#include "tests/support/dns_message.h"
#include "tests/support/loopback.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;

std::atomic<std::uint64_t> allocations{0};
std::atomic<bool> counting{false};

#if defined(__SANITIZE_ADDRESS__)
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, std::size_t),
                                                         void (*)(const volatile void*));
constexpr bool kCounts = true;
void on_malloc(const volatile void*, std::size_t) {
  if (counting) ++allocations;
}
void on_free(const volatile void*) {}
void install_hooks() {
  static const bool installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) != 0;
  REQUIRE(installed);
}
#else
constexpr bool kCounts = false;
void install_hooks() {}
#endif

constexpr const char* kCorefile = R"(libp2p.direct {
    bind 127.0.0.1
    metadata
    prometheus
    errors
    any
    denylist {
        file zones/denied-addresses.txt
        file zones/allowed-addresses.txt type=allow
    }
    acme-txt
    ipsubdomain
    file zones/libp2p.direct
}
example.org {
    bind 127.0.0.1
    view edited {
        expr type() in ['NS', 'A'] and incidr(client_ip(), '127.0.0.0/8') and name() not contains 'x'
        expr metadata('a/b') == '' and server_port() != '0' ? bufsize() % 2 == 0 : do()
    }
    bufsize 600
    local
    loadbalance {
        prefer 192.0.2.0/25
    }
    acl {
        allow type NS net 127.0.0.1 ::1
        block net 127.0.0.0/8
    }
    header {
        query set rd
        response set ra
    }
    minimal
    file zones/example.org
}
example.org {
    bind 127.0.0.1
    prometheus
    errors
    dnstap /nowhere full {
        extra "{remote} {name} {rcode} {duration}"
    }
    nsid
    file zones/example.org
}
example {
    bind 127.0.0.1
    file tests/support/zones/rfc5155.zone  # signed, with NSEC3
}
h.test {
    bind 127.0.0.1
    rewrite name old.h.test www.h.test
    rewrite ttl prefix www 30-300
    template IN A t.h.test {
        answer "{{ .Name }} 60 IN A 192.0.2.1"
    }
    hosts /nowhere {
        192.0.2.1 www.h.test
    }
}
)";
constexpr const char* kPeer = "k51qzi5uqu5dgf513xbrfjl4smgo2eh1x8p8y6grzsf1oz0reiy56p65tds3s6.libp2p.direct.";
constexpr const char* kRegistered = "k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk";

void set_challenges(server::Configuration& configuration) {
  forge::ChallengeStore store(*configuration.shared.at(forge::ChallengeStore::name("libp2p.direct.")));
  const std::int64_t now = std::int64_t{std::time(nullptr)} * 1000;
  const auto peer = libp2p::PeerId::from_label(as_bytes(kRegistered));
  for (const char value : {'a', 'b'}) {
    REQUIRE(store.put_in_memory(peer->multihash(), std::string(43, value), shm::NetworkId{}, now));
  }
}

}  // namespace

TEST_CASE("allocation: none for a query over UDP") {
  if (!kCounts) {
    WARN("skipped: allocations are counted in the sanitizer build");
    return;
  }
  install_hooks();
  const Port port;
  config::Sources sources;
  sources.add("Corefile", kCorefile);
  Result<server::Configuration> configuration = server::configure(sources, "Corefile", plugins::all(), port.number());
  REQUIRE(configuration);
  for (const server::NamedService& each : configuration->services) REQUIRE(each.service->prepare());
  set_challenges(*configuration);
  for (const auto& [name, memory] : configuration->worker_memories) {
    memory->begin(0, *shm::Segment::create(name, memory->size()));
  }
  Result<server::SocketSet> sockets = server::open_sockets(port.v4(), 1);
  REQUIRE(sockets);
  server::Responder responder;
  const auto batch = server::make_udp_batch();
  server::UdpListener listener(std::move(sockets->udp[0]), port.v4(), configuration->listeners.at(port.v4()), responder,
                               *batch);

  const Opt opt{};
  const Opt secure{.flags = kDnssecOk};
  const Opt nsid{.options = {{3, ""}}};
  const std::vector<std::pair<std::string, Question>> cases = {
      {"synthesised A", {.name = std::string("203-0-113-1.") + kPeer, .type = "A"}},
      {"synthesised AAAA", {.name = std::string("2001-db8--1.") + kPeer, .type = "AAAA", .opt = opt}},
      {"denied A", {.name = std::string("198-51-100-1.") + kPeer, .type = "A", .opt = opt}},
      {"denied AAAA", {.name = std::string("2001-db8-bad--1.") + kPeer, .type = "AAAA"}},
      {"allowed A", {.name = std::string("198-51-100-7.") + kPeer, .type = "A"}},
      {"synthesised NODATA", {.name = kPeer, .type = "TXT", .opt = secure}},
      {"ANY", {.name = kPeer, .type = "ANY"}},
      {"challenge", {.name = std::string("_acme-challenge.") + kRegistered + ".libp2p.direct.", .type = "TXT"}},
      {"no challenge", {.name = std::string("_acme-challenge.") + kPeer, .type = "TXT", .opt = opt}},
      {"challenge, another type", {.name = std::string("_acme-challenge.") + kPeer, .type = "CAA", .opt = opt}},
      {"zone answer", {.name = "libp2p.direct.", .type = "NS", .opt = opt}},
      {"edited answer", {.name = "example.org.", .type = "NS", .opt = opt}},
      {"blocked", {.name = "mail.example.org.", .type = "A", .opt = opt}},
      {"localhost", {.name = "localhost.example.org.", .type = "A", .opt = opt}},
      {"zone answer with additional records", {.name = "example.org.", .type = "MX", .opt = opt}},
      {"NXDOMAIN", {.name = "nowhere.libp2p.direct.", .type = "A", .opt = secure}},
      {"NODATA", {.name = "example.org.", .type = "TYPE65280"}},
      {"signed answer", {.name = "example.", .type = "MX", .opt = secure}},
      {"signed NXDOMAIN", {.name = "a.c.x.w.example.", .type = "A", .opt = secure}},
      {"signed wildcard", {.name = "a.z.w.example.", .type = "MX", .opt = secure}},
      {"signed referral", {.name = "mc.b.example.", .type = "MX", .opt = secure}},
      {"hosts", {.name = "www.h.test.", .type = "A", .opt = opt}},
      {"hosts, no address of this type", {.name = "www.h.test.", .type = "AAAA", .opt = opt}},
      {"a name rewritten and mapped back", {.name = "old.h.test.", .type = "A", .opt = opt}},
      {"a template without an expression", {.name = "x.t.h.test.", .type = "A", .opt = opt}},
      {"refused", {.name = "elsewhere.test.", .type = "A", .opt = opt}},
      {"NSID", {.name = "example.org.", .type = "SOA", .opt = nsid}},
      {"bad version", {.name = "example.org.", .type = "SOA", .opt = Opt{.version = 1}}},
  };
  const UdpClient client(port.v4());
  for (const auto& [what, question] : cases) {
    INFO(what);
    const Packet query = encode(question);
    const auto ask = [&](int times) {
      for (int i = 0; i < times; ++i) {
        client.send(query);
        counting = true;
        listener.serve();
        counting = false;
        const auto answer = client.receive();
        REQUIRE(answer);
        REQUIRE(answer->size() >= query.size());
      }
    };
    ask(3);  // to its working size
    allocations = 0;
    ask(200);
    CHECK(allocations == 0);
  }

  allocations = 0;  // and the count counts
  counting = true;
  const auto one = std::make_unique<std::uint64_t>(1);
  counting = false;
  CHECK(allocations == 1);
}
