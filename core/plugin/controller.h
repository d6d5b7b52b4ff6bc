// Controller: what setup() is handed: the directive's tokens, and what a plugin may hook into. Part of the contract
// (core/plugin/plugin.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/dispenser.h"
#include "core/metrics/registry.h"
#include "core/net.h"
#include "core/plugin/chain.h"
#include "core/plugin/fetch.h"
#include "core/plugin/fetcher.h"
#include "core/plugin/server_block.h"
#include "core/plugin/service.h"
#include "core/result.h"
#include "core/shm/shared.h"
#include "core/shm/snapshot.h"
#include "core/shm/worker_memory.h"

namespace swage {

class Controller : public config::Dispenser {
 public:
  using Dispenser::Dispenser;

  // The zones of the server block, lower-cased: what its keys say.
  [[nodiscard]] const std::vector<dns::Name>& zones() { return block().zones; }
  // The directive's remaining arguments on this line as zones, or the block's zones where there are none (the usual
  // [ZONES…]). Reverse zones may be written as CIDR. An Error names the token.
  [[nodiscard]] Result<std::vector<dns::Name>> remaining_zones();
  // The next argument on this line as a path that the server opens: relative ones are below `root`, or the working
  // directory. `what` it should be: "the path of a zone file".
  [[nodiscard]] Result<std::string> expect_path(std::string_view what);
  // What this server block's plugins know of queries. All may add to it; `metadata` switches it on.
  [[nodiscard]] Metadata& metadata() { return block().metadata; }
  // What the server block says as a whole.
  [[nodiscard]] virtual ServerBlock& block() = 0;

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
  [[nodiscard]] virtual shm::ServiceMemory& service_memory(const std::string& name) = 0;
  // Memory that each dns process writes alone, and the others and the service process read; see
  // core/shm/worker_memory.h. `bytes`: of each one's piece. Those who say the same name have the same memory, of the
  // most bytes that any of them says.
  [[nodiscard]] virtual shm::WorkerMemory& worker_memory(const std::string& name, std::size_t bytes) = 0;

  // For answers that are not in memory until a Service has fetched them; see core/plugin/fetch.h. Those who say the
  // same name have the same Fetch. It outlives plugins and services.
  [[nodiscard]] virtual Fetch& fetch(const std::string& name) = 0;

  // Has the supervisor open a TCP socket for a Service; see Host::take_listening_socket(). False where a Service of
  // this directive in another server block has it already, and both share it. An Error, which names the token, where
  // queries or another Service are listening there.
  enum class Sharing : bool { no, between_blocks };
  [[nodiscard]] virtual Result<bool> listen_tcp(const Endpoint& endpoint, Sharing sharing) = 0;

  // What this process counts, for the plugin `prometheus`; see core/metrics/registry.h. Ask for counters in setup() and
  // keep them in Plugins, Observers and Services, whichever the process has: to count is to add to 8 bytes of memory
  // that no other process writes. They outlive the process and reloads; all processes' are added up.
  //     const metrics::Counter hits = controller.metrics().counter("swage_hello_hits_total", "Greetings.");
  [[nodiscard]] virtual metrics::Registry& metrics() = 0;

  // Tells the operator, once when the server starts or reloads, what is not an error but hardly intended: error_at(…).
  virtual void warn(const Error& warning) = 0;

  // What asks other people's servers, in a process of its own.
  virtual void add_fetcher(std::unique_ptr<Fetcher> fetcher) = 0;
};

// An entry of plugins/plugins.def.
struct PluginType {
  std::string_view name;  // of the directive
  Result<> (*setup)(Controller&);
  // What it says changes what other directives and server blocks mean: where it is wrong, only what is wrong in any
  // case is told of the rest.
  bool shapes_block = false;
};

}  // namespace swage
