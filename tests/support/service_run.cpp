#include "tests/support/service_run.h"

namespace swage::tests {

using namespace std::chrono_literals;

void run_until(Service& service, std::chrono::milliseconds interval, const std::function<bool()>& enough) {
  LoopHost host;
  const auto last_look = std::chrono::steady_clock::now() + 20s;
  async::Timer look(host.loop(), [&] {
    if (enough() || std::chrono::steady_clock::now() > last_look) return service.stop();
    look.start(interval);
  });
  look.start(interval);
  host.loop().spawn(service.run(host));
  host.loop().run();
}

}  // namespace swage::tests
