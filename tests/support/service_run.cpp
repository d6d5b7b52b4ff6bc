#include "tests/support/service_run.h"

namespace swage::tests {

using namespace std::chrono_literals;

bool run_until(Service& service, std::chrono::milliseconds interval, const std::function<bool()>& enough) {
  LoopHost host;
  const auto last_look = std::chrono::steady_clock::now() + 60s;
  bool done = false;
  async::Timer look(host.loop(), [&] {
    done = enough();
    if (done || std::chrono::steady_clock::now() > last_look) return host.stop();
    look.start(interval);
  });
  look.start(interval);
  host.loop().spawn(service.run(host));
  host.loop().run();
  return done;
}

std::vector<std::string> run_steps(Service& service, const std::function<std::string()>& look,
                                   const std::vector<Step>& steps) {
  std::vector<std::string> looks;
  std::size_t changes = 0;
  static_cast<void>(run_until(service, 5ms, [&] {
    if (changes > 0 && !steps[changes - 1].seen()) return false;
    looks.push_back(look());
    if (changes == steps.size()) return true;
    steps[changes++].change();
    return false;
  }));
  return looks;
}

}  // namespace swage::tests
