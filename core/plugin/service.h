// What works in the background, in the service process: Services, and the Host around them. Part of the contract
// (core/plugin/plugin.h).
//
//     async::Task<Result<>> Refresh::run(Host& host) {
//       while (!co_await host.stopping(30s)) {
//         const auto read = [this] { return read_file(path_); };                    // on another thread: it may block
//         const Result<std::string> text = co_await async::work(host.loop(), read);
//         …
//       }
//       co_return Result<>();
//     }
//
// A Service that does no more than read a file again when it has changed: core/plugin/follow.h.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/async/event.h"
#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/descriptor.h"
#include "core/net.h"
#include "core/result.h"

namespace swage {

// What a Service may ask of the server around it.
class Host {
 public:
  // REQUIRES: `loop` outlives it.
  explicit Host(async::Loop& loop) : loop_(loop), stopping_(loop), last_call_(loop) {}
  virtual ~Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  [[nodiscard]] async::Loop& loop() const { return loop_; }

  // Waits for `interval`, or until run() is to return, whichever comes first. True: return. What was begun may be
  // finished: there are seconds where the whole server ends, 20 after a reload.
  // g++ 12.2 loses a coroutine that awaits in the condition of a while or an if and declares no variable at all: give
  // it one (tests/repo/coroutine_traps_test finds the form).
  [[nodiscard]] async::Task<bool> stopping(std::chrono::milliseconds interval) { return wait_for(stopping_, interval); }
  // Set when run() is to return: co_await host.stopping().wait();
  [[nodiscard]] async::Event& stopping() { return stopping_; }
  // Set when the time for what was begun is nearly over: return now. Comes after stopping().
  [[nodiscard]] async::Event& last_call() { return last_call_; }

  // Asks the supervisor to read the Corefile again, as SIGUSR1 does. Returns at once.
  virtual void request_reload() = 0;
  // True when the Corefile or a file it imports is no longer what the server runs with.
  [[nodiscard]] virtual bool corefile_changed() = 0;
  // A socket that Controller::listen_tcp() asked for, to be accepted from, each time that it is asked for: run() may be
  // called again. The supervisor keeps another descriptor of it: clients wait in it while this process is replaced.
  // nullopt for [::] on a machine without IPv6.
  [[nodiscard]] virtual std::optional<Descriptor> take_listening_socket(const Endpoint& endpoint) = 0;
  // What all processes have counted and measured, in Prometheus's text format.
  [[nodiscard]] virtual std::string metrics_text() { return {}; }
  // The directives, each once, that have a Service that is not ready, in the server blocks that have set
  // ServerBlock::reports_ready.
  [[nodiscard]] virtual std::vector<std::string> unready() { return {}; }
  // True when the server is going to end: it serves on for the time of WholeServer::lameduck, then stopping() is set.
  // False where stopping() is because another configuration, and another process, takes over.
  [[nodiscard]] virtual bool shutting_down() { return false; }
  // The file of a plugin's library that is no longer what the server runs with, and nobody is writing to; empty where
  // there is none. What this process may not look at has not changed for it.
  [[nodiscard]] virtual std::string changed_plugin() { return {}; }
  // The server can do nothing but harm as it is configured: ends it with `why`, and exit status 1, in the first minute
  // of its first configuration. Later it is an error in the log, and the server goes on. Returns at once.
  virtual void end_server(const std::string& why) { static_cast<void>(why); }

 protected:
  // For the server: all Services see it.
  void stop() { stopping_.set(); }
  void call_last() { last_call_.set(); }

 private:
  async::Loop& loop_;
  async::Event stopping_, last_call_;
};

// Works in the background, in the service process.
class Service {
 public:
  virtual ~Service() = default;
  // Before the server answers its first query: publish what queries need. May take its time and block; an Error stops
  // the start, or the reload, and nothing changes.
  [[nodiscard]] virtual Result<> prepare() { return {}; }
  // Runs until host.stopping(); at once, where there is nothing to do. `host` outlives it. May be called again: an
  // Error is logged, the service is not ready, and run() is called once more after a pause, which doubles each time.
  [[nodiscard]] virtual async::Task<Result<>> run(Host& host) = 0;
  // False as long as it cannot do its work, for the plugin `ready`.
  [[nodiscard]] virtual bool ready() const { return true; }
  // Called before what was counted is read: sets gauges whose values have to be looked up. At most milliseconds.
  virtual void measure() {}
};

}  // namespace swage
