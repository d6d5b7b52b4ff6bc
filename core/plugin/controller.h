// What setup() is handed: the directive's tokens, and what a plugin may hook into. Part of the contract
// (core/plugin/plugin.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/dispenser.h"
#include "core/metrics/registry.h"
#include "core/net.h"
#include "core/plugin/chain.h"
#include "core/plugin/metadata.h"
#include "core/plugin/service.h"
#include "core/result.h"
#include "core/shm/shared.h"
#include "core/shm/snapshot.h"

namespace swage {

// Where a server block takes queries.
struct Listener {
  Endpoint endpoint;  // of `bind`, or a wildcard address
  std::string name;   // as in CoreDNS's metrics: "dns://:53", "dns://192.0.2.1:53"
};

struct PluginType;

// What a TCP connection of a client may do; nothing where the server's own limits are in force.
struct TcpLimits {
  std::optional<std::chrono::seconds> idle;    // between requests
  std::optional<std::chrono::seconds> read;    // until the first request is there, then for each from its first byte on
  std::optional<std::chrono::seconds> write;   // for the responses that are written at once
  std::optional<std::uint32_t> most_requests;  // then it is closed
};

// Handed to setup(): the directive's tokens, and what a plugin may hook into.
class Controller : public config::Dispenser {
 public:
  using Dispenser::Dispenser;

  // The zones of the server block, lower-cased: what its keys say.
  [[nodiscard]] virtual const std::vector<dns::Name>& zones() const = 0;
  // The directive's remaining arguments on this line as zones, or the block's zones where there are none (the usual
  // [ZONES…]). Reverse zones may be written as CIDR. An Error names the token.
  [[nodiscard]] virtual Result<std::vector<dns::Name>> remaining_zones() = 0;
  // A path of the Corefile as the server opens it: relative ones are below `root`, or the working directory.
  [[nodiscard]] virtual std::string path(std::string_view written) const = 0;

  // The addresses of a network interface of this machine, as they were when the Corefile was read, so that all
  // processes see the same; nullptr where there is no such interface.
  [[nodiscard]] virtual const std::vector<std::string>* interface(const std::string& name) const = 0;

  virtual void add(std::unique_ptr<const Plugin> plugin) = 0;  // at this directive's place in the chain
  virtual void add(std::unique_ptr<const Filter> filter) = 0;  // all of them must accept a query
  virtual void add(std::unique_ptr<const Observer> observer) = 0;
  virtual void add(std::unique_ptr<Service> service) = 0;
  // Memory that one process publishes and all see; see core/shm/snapshot.h. `name` is unique in the Corefile: say the
  // directive and what tells it from the next, "file example.org. zones/example.org".
  [[nodiscard]] virtual shm::Snapshot& snapshot(const std::string& name) = 0;

  // Memory that all processes see and that outlives them; see core/shm/shared.h. Those who say the same name have the
  // same memory, in this configuration and in the next one: say what it holds and for which zone.
  [[nodiscard]] virtual shm::Shared& shared(const std::string& name) = 0;

  // The same for the service process alone: what is in it, secrets say, never comes to a process that answers queries.
  [[nodiscard]] virtual shm::Shared& service_memory(const std::string& name) = 0;

  // Has the supervisor open a TCP socket for a Service; see Host::take_listening_socket(). An Error, which names the
  // directive's token, where queries or another Service are listening there.
  [[nodiscard]] virtual Result<> listen_tcp(const Endpoint& endpoint) = 0;

  // The same for who shares it with other server blocks: false where a Service of this directive has it already.
  [[nodiscard]] virtual Result<bool> share_tcp(const Endpoint& endpoint) = 0;

  // What this process counts, for the plugin `prometheus`; see core/metrics/registry.h. Ask for counters in setup() and
  // keep them in Plugins, Observers and Services, whichever the process has: to count is to add to 8 bytes of memory
  // that no other process writes. They outlive the process and reloads; all processes' are added up.
  //     const metrics::Counter hits = controller.metrics().counter("swage_hello_hits_total", "Greetings.");
  [[nodiscard]] virtual metrics::Registry& metrics() = 0;

  // Sees the queries whose names are in no server block; they are REFUSED. The first one of a Corefile is kept.
  virtual void add_for_strays(std::unique_ptr<const Observer> observer) = 0;
  // Where this server block takes queries; `bind` comes before whoever asks.
  [[nodiscard]] virtual std::vector<Listener> listeners() const = 0;
  // The directives of this server block, in the chain's order, by the names that the Corefile has for them; and all
  // that there are.
  [[nodiscard]] virtual std::vector<std::string> directives() const = 0;
  [[nodiscard]] virtual std::span<const PluginType> all_plugins() const = 0;
  // What the Corefile calls this directive of this server block: "ipparser", say, or just `directive`.
  [[nodiscard]] virtual std::string known_as(std::string_view directive) const = 0;
  // The name of the server block's `view`; empty where it has none.
  [[nodiscard]] virtual std::string view_name() const = 0;

  // Tells the operator, once when the server starts or reloads, what is no error but hardly meant.
  virtual void warn(const Error& warning) = 0;

  // What this server block's plugins know of queries. All may add to it; `metadata` switches it on.
  [[nodiscard]] virtual Metadata& metadata() = 0;
  virtual void report_ready() = 0;                                  // ready: see Host::unready()
  virtual void delay_shutdown(std::chrono::milliseconds time) = 0;  // health: see Host::shutting_down()

  virtual void listen_on(std::vector<IpAddress> addresses) = 0;  // bind
  virtual void limit_tcp(const TcpLimits& limits) = 0;           // timeouts
  virtual void set_root(std::string folder) = 0;                 // root
  // user: whom the service process becomes where the server was started by root. An Error where that is said already.
  [[nodiscard]] virtual Result<> run_as(const config::Token& user) = 0;
  virtual void accept_chaos() = 0;  // class CH is passed to the chain too, not refused
};

// An entry of plugins/plugins.def.
struct PluginType {
  std::string_view name;  // of the directive
  Result<> (*setup)(Controller&);
};

}  // namespace swage
