// ServiceControl: what the control socket can have done, as far as the service process does it itself or asks the
// supervisor for it. In the service process.
#pragma once

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

  // `receive` takes what the supervisor has said until now; `flush` has what was fetched forgotten.
  ServiceControl(Host& host, Reporting& reporting, std::function<void()> receive, Flush flush)
      : host_(host),
        reporting_(reporting),
        receive_(std::move(receive)),
        flush_(std::move(flush)),
        reload_news_(host.loop()) {}

  // With what the process before had: to be called while the process is set up.
  [[nodiscard]] Result<> prepare(shm::Snapshot& switches);
  void take(message::ControlSocket message) { socket_ = std::move(message.socket); }
  void take(message::Reloads message);
  // Answers from now on.
  void start();
  // Accepts nobody any more. Who waits for a reload waits on: one that takes this process's place may be followed by
  // another one; unless the server is told to end.
  void stop();
  // Who waits still hears that it is not known here.
  void give_up();

  void report(Report::Server& server) const;

  [[nodiscard]] Reporting& reporting() override { return reporting_; }
  [[nodiscard]] async::Task<Result<>> reload() override;
  [[nodiscard]] Result<> set_log_level(const std::string& level) override;
  [[nodiscard]] Result<> log_queries(std::optional<control::QueryLog> what) override;
  [[nodiscard]] Result<> flush_cache(const std::string& zone) override;

 private:
  Host& host_;
  Reporting& reporting_;
  std::function<void()> receive_;
  Flush flush_;
  shm::Snapshot* snapshot_ = nullptr;
  Switches switches_;
  Descriptor socket_;
  std::optional<control::Server> server_;
  message::Reloads reloads_;
  async::Event reload_news_;
  bool given_up_ = false;
};

}  // namespace swage::server
