#include "tests/support/service_run.h"

#include <sys/socket.h>

namespace swage::tests {

using namespace std::chrono_literals;

namespace {

class ListeningHost : public LoopHost {
 public:
  std::optional<Descriptor> take_listening_socket(const Endpoint& endpoint) override {
    sockaddr_storage address{};
    const socklen_t size = endpoint.to_sockaddr(address);
    Descriptor socket(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const bool listens = bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                         listen(socket.get(), SOMAXCONN) == 0;
    return listens ? std::optional(std::move(socket)) : std::nullopt;
  }
};

}  // namespace

bool run_until(Service& service, std::chrono::milliseconds interval, const std::function<bool()>& enough) {
  ListeningHost host;
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
