// ServiceControl: what the control socket can have done, as far as the service process does it itself or asks the
// supervisor for it. In the service process.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/async/event.h"
#include "core/control/server.h"
#include "core/plugin/service.h"
#include "core/server/messages.h"
#include "core/server/switches.h"
#include "core/shm/snapshot.h"

namespace swage::server {

class ServiceControl : public control::Backend {
 public:
  using Flush = std::function<Result<>(const std::string& zone)>;
  // What others do for it.
  struct Ways {
    std::function<void()> receive;          // takes what the supervisor has said until now
    std::function<void()> request_upgrade;  // of the supervisor
    Flush flush;                            // has what was fetched forgotten
  };

  ServiceControl(Host& host, Reporting& reporting, Ways ways)
      : host_(host), reporting_(reporting), ways_(std::move(ways)), news_(host.loop()) {}

  // With what the process before had: to be called while the process is set up.
  [[nodiscard]] Result<> prepare(shm::Snapshot& switches);
  void take(message::ControlSocket message) { socket_ = std::move(message.socket); }
  void take(message::Reloads message);
  void take(message::Upgrades message);
  // Answers from now on.
  void start();
  // Accepts nobody any more. Who waits for a reload or an upgrade waits on: one that takes this process's place may be
  // followed by another one; unless the server is told to end.
  void stop();
  // Who waits still hears that it is not known here.
  void give_up();

  void report(Report::Server& server) const;

  [[nodiscard]] Reporting& reporting() override { return reporting_; }
  [[nodiscard]] async::Task<Result<>> reload() override;
  [[nodiscard]] async::Task<Result<pid_t>> upgrade() override;
  [[nodiscard]] Result<> set_log_level(const std::string& level) override;
  [[nodiscard]] Result<> log_queries(std::optional<control::QueryLog> what) override;
  [[nodiscard]] Result<> flush_cache(const std::string& zone) override;

 private:
  // Until there is news of the supervisor's.
  [[nodiscard]] async::Task<Result<>> wait_for_news();

  Host& host_;
  Reporting& reporting_;
  Ways ways_;
  shm::Snapshot* snapshot_ = nullptr;
  Switches switches_;
  Descriptor socket_;
  std::optional<control::Server> server_;
  message::Reloads reloads_;
  message::Upgrades upgrades_;
  async::Event news_;  // of either
  bool given_up_ = false;
};

}  // namespace swage::server
