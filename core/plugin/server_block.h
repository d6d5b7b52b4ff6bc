// ServerBlock: what a server block of the Corefile says as a whole, beside what it does with a query. One value for
// each block: the directives that shape it (bind, root, timeouts, view …) fill it in their setup(), and others read it,
// in the order of plugins.def. Most plugins need none of it. Part of the contract (core/plugin/plugin.h).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/tls_clients.h"
#include "core/config/token.h"
#include "core/dns/name.h"
#include "core/metrics/handles.h"
#include "core/net.h"
#include "core/plugin/chain.h"
#include "core/plugin/metadata.h"
#include "core/proxy_protocol.h"
#include "core/scheme.h"

namespace swage {

class PrefixSet;  // core/prefix_set.h
class ZoneSource;
namespace shm {
class Snapshot;  // core/shm/snapshot.h
}
namespace tsig {
class Keys;  // core/tsig/key.h
}

// Where a server block takes queries.
struct Listener {
  Endpoint endpoint;  // of `bind`, or a wildcard address
  std::string name;   // as in CoreDNS's metrics: "dns://:53", "tls://192.0.2.1:853"
  Scheme scheme = Scheme::dns;
};

// A port of a key, and what comes in there.
struct ListenPort {
  std::uint16_t number = 53;
  Scheme scheme = Scheme::dns;
};

// How tls:// and https:// listeners prove who they are; said by *tls*. What lies in the snapshots: core/plugin/
// tls_memory.h.
struct TlsSettings {
  const shm::Snapshot* identity = nullptr;  // certificate and key; empty: there is none yet
  const shm::Snapshot* tickets = nullptr;   // keys of session tickets, the same for the whole server
  async::TlsClients clients = async::TlsClients::none;

  bool operator==(const TlsSettings&) const = default;
};

// What a TCP connection of a client may do; where it says nothing, the server's own limits are in force.
struct TcpLimits {
  std::optional<std::chrono::seconds> idle;    // between requests
  std::optional<std::chrono::seconds> read;    // until the first request is there, then for each from its first byte on
  std::optional<std::chrono::seconds> write;   // for the responses that are written at once
  std::optional<std::uint32_t> most_requests;  // then it is closed
};

// A directive of this build.
struct NamedDirective {
  std::string_view name;
  std::string known_as;  // what the Corefile calls it in this block: "ipparser", say, or just `name`
  bool present = false;  // in this block
};

// DNS cookies (RFC 7873): where nothing is said, all dns processes have a random secret.
struct CookieSettings {
  std::optional<config::Token> at;  // the directive
  std::vector<std::string> files;   // with secrets, of which the first makes cookies
  bool off = false;
};

// What directives of any server block say for the server as a whole.
struct WholeServer {
  std::optional<config::Token> user;      // whom the service process becomes where it was started by root
  std::chrono::milliseconds lameduck{0};  // how long the server serves on when it is told to end
  CookieSettings cookies;
  std::unique_ptr<const Observer> unrouted;  // sees the queries whose names are in no server block; they are REFUSED
};

// How many answers larger than three times their question a network of clients gets over UDP in a second, without a
// cookie. Resolvers ask again over TCP beyond it.
inline constexpr std::uint32_t kLargeAnswers = 500;

// Bytes of memory for answers that were fetched: for those that have what was asked for, and for all others.
struct AnswerRoom {
  // What is counted of it by the process that fetches, in that order; nothing where no plugin has said so.
  struct Counts {
    std::array<metrics::Gauge, 2> entries{};
    std::array<metrics::Counter, 2> evictions{};  // entries that had to give way to others
    metrics::Counter drops{};                     // answers that were not kept since they are malformed
  };

  std::size_t success = 4 << 20, others = 1 << 20;
  bool keeps_positive = false;  // denials do not take the place of answers: CacheRules::prefer_positive
  bool keeps_attempts = false;  // what could not be fetched is kept, too: CacheRules::recheck
  Counts counts{};
};

struct ServerBlock {
  // Said by the Corefile's keys and by the machine; the same before the first setup() and after the last.
  std::vector<dns::Name> zones;            // lower case, each once
  std::vector<ListenPort> ports;           // of the keys
  std::vector<NamedDirective> directives;  // all that there are, in the order of the chain
  // The addresses of each network interface, as they were when the Corefile was read: all processes see the same.
  const std::map<std::string, std::vector<std::string>>* interfaces = nullptr;
  WholeServer* server = nullptr;

  // Said by directives.
  std::vector<IpAddress> addresses;  // where it takes queries; none: at all addresses of the machine
  TcpLimits tcp;
  std::optional<TlsSettings> tls;    // of *tls*; none: it has no tls:// and no https:// key
  std::optional<ProxyPolicy> proxy;  // of *proxyproto*, for all queries where the block listens; none: no headers
  std::string root;                  // the folder of relative paths; empty: the working directory
  std::string view;                  // its name; empty: none
  AnswerRoom answer_room;            // for what is fetched
  bool accepts_chaos = false;        // queries of class CH go to the chain, too
  std::uint32_t large_answers = kLargeAnswers;   // 0: any number
  const PrefixSet* unlimited_clients = nullptr;  // to whom no limit of answers applies; nullptr: to nobody
  bool reports_ready = false;                    // Host::unready() speaks of its Services
  Metadata metadata;                             // what its plugins know of a query
  // Of *tsig*, which comes before whoever needs them: to verify what comes in, and to sign. nullptr: there are none.
  const tsig::Keys* keys = nullptr;
  // The zones that its plugins serve, each for as long as the block exists (core/plugin/zone_source.h). Complete when
  // all its directives are set up.
  std::vector<const ZoneSource*> zone_sources;

  // A path of the Corefile as the server opens it.
  [[nodiscard]] std::string path(std::string_view written) const;
  [[nodiscard]] std::vector<Listener> listeners() const;
  [[nodiscard]] bool has(std::string_view directive) const;
  [[nodiscard]] std::string known_as(std::string_view directive) const;  // NamedDirective::known_as
};

// The wildcard addresses.
[[nodiscard]] std::vector<IpAddress> everywhere();

}  // namespace swage
