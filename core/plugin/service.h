// What works in the background, in the service process: Services, and the Host around them. Part of the contract
// (core/plugin/plugin.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/async/task.h"
#include "core/net.h"
#include "core/result.h"

namespace swage {

namespace async {
class Loop;
}

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

}  // namespace swage
