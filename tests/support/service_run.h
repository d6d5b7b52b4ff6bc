// Services without a server: the Host that tests run them in, and a loop that runs one while a test looks on.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/async/loop.h"
#include "core/plugin/plugin.h"

namespace swage::tests {

struct OwnLoop {
  async::Loop own_loop;
};

// A loop, and no server around it: reloads are not asked for, the Corefile stays, there are no sockets.
class LoopHost : private OwnLoop, public Host {
 public:
  LoopHost() : Host(own_loop) {}
  using Host::call_last;
  using Host::stop;
  void request_reload() override {}
  bool corefile_changed() override { return false; }
  std::optional<Descriptor> take_listening_socket(const Endpoint&) override { return std::nullopt; }
};

// Runs `service`, which has the sockets that it asked for, and asks every `interval`, for the first time after one,
// whether it is `enough`; then stops the service and returns when run() has. False where a minute was not enough.
[[nodiscard]] bool run_until(Service& service, std::chrono::milliseconds interval, const std::function<bool()>& enough);

// A change that a test makes while a service runs, and how one knows that the service has seen it.
struct Step {
  std::function<void()> change;
  std::function<bool()> seen;
};

// Runs `service`, and makes each change when the one before was seen. What `look` gave before the first change and
// when each was seen; fewer where one was not seen: all of it takes a minute at most.
[[nodiscard]] std::vector<std::string> run_steps(Service& service, const std::function<std::string()>& look,
                                                 const std::vector<Step>& steps);

}  // namespace swage::tests
