// The contract between the server and its plugins: everything that the author of a plugin needs.
//
// A plugin is a folder below plugins/ with a README.md and a function that the Corefile's directive of that name calls:
//
//     namespace swage::plugins::hello { Result<> setup(Controller& controller); }
//
// and one line in plugins/plugins.def, whose order is the order of the chain. setup() reads the directive's arguments
// (the Controller is a Dispenser of tokens) and adds what answers queries (Plugin), what watches what was answered
// (Observer) and what works in the background (Service).
//
// setup() runs in every process of the server, with the same Corefile, and must do the same in each: it reads no file,
// opens no socket and looks at no clock. Where it fails, it may be called again with some of the directive's lines
// alone, to find out what else is wrong; what it adds then is thrown away. Plugins and Observers live in the dns
// processes, Services in the service process.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/task.h"
#include "core/config/dispenser.h"
#include "core/dns/query.h"
#include "core/dns/response.h"
#include "core/metrics/registry.h"
#include "core/plugin/metadata.h"
#include "core/result.h"
#include "core/shm/shared.h"
#include "core/shm/snapshot.h"

namespace swage {

using dns::Query;
using dns::Response;

enum class Outcome : std::uint8_t {
  send,  // the response goes to the client
  drop,  // nothing is sent
};

class Plugin;

// The rest of the chain behind a plugin. Small and copied freely.
class Next {
 public:
  explicit Next(const std::unique_ptr<const Plugin>* plugin) : plugin_(plugin) {}
  // Lets the plugins behind answer. At the end of the chain: send, with the response as it is.
  [[nodiscard]] Result<Outcome> operator()(const Query& query, Response& response) const;

 private:
  const std::unique_ptr<const Plugin>* plugin_;  // ends with a nullptr
};

// Answers queries of one server block, in every dns process.
class Plugin {
 public:
  virtual ~Plugin() = default;
  // Answers `query` in `response`, or calls `next` and may change the response on its way back. Runs on the one thread
  // of its process and must not wait: no I/O, no lock, no allocation that is not rare. An Error becomes SERVFAIL.
  [[nodiscard]] virtual Result<Outcome> serve(const Query& query, Response& response, Next next) const = 0;

  // Which of Controller::all_plugins() it is of, from 1; 0: of none. Said by the server.
  [[nodiscard]] std::uint8_t number() const { return number_; }
  void set_number(std::uint8_t number) const { number_ = number; }

 private:
  mutable std::uint8_t number_ = 0;
};

// Says which queries a server block takes. The others go on to the next block with the same zone, or to one with a zone
// above it.
class Filter {
 public:
  virtual ~Filter() = default;
  // Called on the thread that serves, before any Plugin; the same rules as for Plugin::serve. `query` has no zone yet.
  [[nodiscard]] virtual bool accepts(const Query& query) const = 0;
};

// Sees each query of a server block after its response was encoded: for logs and figures.
class Observer {
 public:
  virtual ~Observer() = default;
  // `size`: bytes of the encoded response. Called on the thread that serves; the same rules as for Plugin::serve.
  virtual void sent(const Query& query, const Response& response, std::size_t size) const = 0;
};

// What a Service may ask of the server around it.
class Host {
 public:
  virtual ~Host() = default;
  [[nodiscard]] virtual async::Loop& loop() = 0;
  // Asks the supervisor to read the Corefile again, as SIGUSR1 does. Returns at once.
  virtual void request_reload() = 0;
  // True when the Corefile or a file it imports is no longer what the server runs with.
  [[nodiscard]] virtual bool corefile_changed() = 0;
  // A socket that listen_tcp() asked for, once, to be accepted from; the caller closes it. The supervisor keeps another
  // descriptor of it: clients wait in it while this process is replaced. nullopt where it was taken, and for [::] on a
  // machine without IPv6.
  [[nodiscard]] virtual std::optional<int> take_listening_socket(const Endpoint& endpoint) = 0;
  // What all processes have counted and measured, in Prometheus's text format.
  [[nodiscard]] virtual std::string metrics_text() { return {}; }
  // The directives, each once, that have a Service that is not ready, in the server blocks of who called
  // report_ready().
  [[nodiscard]] virtual std::vector<std::string> unready() { return {}; }
  // True when the server is going to end, and serves on for the time that delay_shutdown() asked for.
  [[nodiscard]] virtual bool shutting_down() { return false; }
};

// Works in the background, in the service process.
class Service {
 public:
  virtual ~Service() = default;
  // Before the server answers its first query: publish what queries need. May take its time and block; an Error stops
  // the start, or the reload, and nothing changes.
  [[nodiscard]] virtual Result<> prepare() { return {}; }
  // Runs until stop() was called. `host` outlives it. An Error is logged.
  [[nodiscard]] virtual async::Task<Result<>> run(Host& host) = 0;
  // Makes run() return soon: what was begun may be finished, in seconds where the whole server ends, 20 after a reload.
  // Called again when that time is nearly over: then at once.
  virtual void stop() = 0;
  // False as long as it cannot do its work, for the plugin `ready`.
  [[nodiscard]] virtual bool ready() const { return true; }
  // Called before what was counted is read: sets gauges whose values have to be looked up. At most milliseconds.
  virtual void measure() {}
};

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
