// Server: answers what comes to the control socket, by the protocol of docs/swagectl.md: a line of JSON that says what
// is wanted, lines of JSON back. In the service process. What it is asked for is the Backend's to do.
//
// Bounded: so many connections, so long a request, and so much time for it and for each part of the answer. Who
// connects is root, or this process's user (SO_PEERCRED).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/descriptor.h"
#include "core/net.h"
#include "core/plugin/report.h"

namespace swage::control {

// Whose queries are logged; nothing said: everybody's.
struct QueryLog {
  std::optional<Prefix> clients;
  std::string zone;  // in presentation format; queries for it and for all below; empty: any
  std::int64_t seconds = 0;
};

// What can be done to a server while it runs.
class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual Reporting& reporting() = 0;
  // Has the Corefile read again, after the call, and waits for the outcome.
  [[nodiscard]] virtual async::Task<Result<>> reload() = 0;
  // Has the program at the server's path take the place of the one that serves, and waits for the outcome: the process
  // ID of the supervisor that serves then.
  [[nodiscard]] virtual async::Task<Result<pid_t>> upgrade() = 0;
  // "debug", "info", "warning" or "error".
  [[nodiscard]] virtual Result<> set_log_level(const std::string& level) = 0;
  // nullopt: nobody's.
  [[nodiscard]] virtual Result<> log_queries(std::optional<QueryLog> what) = 0;
  // What was fetched for names at and below `zone` is not answered any more.
  [[nodiscard]] virtual Result<> flush_cache(const std::string& zone) = 0;
};

class Server {
 public:
  static constexpr std::size_t kMaxRequest = 4096;  // bytes of a line
  static constexpr std::size_t kMaxConnections = 64;

  // `socket` listens. `backend` outlives all connections, which outlive this: they are the loop's.
  Server(async::Loop& loop, Descriptor socket, Backend& backend);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  struct State;
  void accept_some();

  std::shared_ptr<State> state_;
  Descriptor socket_;
  async::Poll poll_;
  async::Timer retry_;
};

}  // namespace swage::control
