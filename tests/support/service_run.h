// Services without a server: the Host that tests run them in, and a loop that runs one while a test looks on.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "core/async/loop.h"
#include "core/plugin.h"

namespace swage::tests {

// A loop, and no server around it: reloads are not asked for, the Corefile stays, there are no sockets.
class LoopHost : public Host {
 public:
  async::Loop& loop() override { return loop_; }
  void request_reload() override {}
  bool corefile_changed() override { return false; }
  std::optional<int> take_listening_socket(const Endpoint&) override { return std::nullopt; }

 private:
  async::Loop loop_;
};

// Runs `service` and asks every `interval`, for the first time after one, whether it is `enough`; then stops the
// service and returns when run() has. After 20 s it is enough, too.
void run_until(Service& service, std::chrono::milliseconds interval, const std::function<bool()>& enough);

}  // namespace swage::tests
