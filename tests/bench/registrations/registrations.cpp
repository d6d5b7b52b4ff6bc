// bench_registrations SWAGE [ROUNDS]: what a registration costs the broker: its CPU time, split into the authentication
// of the peer and the dial-back, beside the cryptography that neither can do without and a bare broker that does
// nothing else, measured in the same run. Starts the server itself; plays the nodes, on another CPU where there is one.
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/async/event.h"
#include "tests/bench/registrations/bare.h"
#include "tests/bench/registrations/cryptography.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"

namespace swage::bench {
namespace {

using namespace swage::tests;
using Clock = std::chrono::steady_clock;

constexpr const char* kHost = "registration.libp2p.direct";
constexpr int kBrokers = 0, kOurs = 1;  // CPUs: of the brokers, and of clients and nodes
constexpr std::size_t kClients = 16;    // at the same time
constexpr std::uint32_t kTurn = 500;    // registrations

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// CPU time of all threads of a process, as the scheduler counted it.
double process_seconds(pid_t pid) {
  double nanoseconds = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    double of_task = 0;
    std::ifstream(task.path() / "schedstat") >> of_task;
    nanoseconds += of_task;
  }
  return nanoseconds * 1e-9;
}

void use_cpu(pid_t pid, int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  static_cast<void>(sched_setaffinity(pid, sizeof set, &set));
}

// The broker, alone on CPU 0.
struct Forge {
  Result<> start(const std::string& swage) {
    const std::string corefile =
        "libp2p.direct {\n    bind 127.0.0.1\n    acme-txt\n    broker " + std::string(kHost) +
        " {\n        listen 127.0.0.1:" + std::to_string(http.number()) +
        "\n        tls off\n        trusted-proxy 127.0.0.0/8\n        limit peer off\n"
        "        limit client off\n        dial {\n            allow 127.0.0.0/8\n            limit network off\n"
        "            limit foreign off\n        }\n"
        "    }\n}\n";
    TRY(process, Process::start({.arguments = {swage, "-conf", folder.write("Corefile", corefile), "-dns.port",
                                               std::to_string(dns.number()), "-workers", "1", "-quiet", "-pidfile",
                                               folder.file("pid")}}));
    const bool ready = wait_until([&] { return !read_file(folder.file("pid")).empty(); }, Milliseconds(20000));
    if (!ready) return fail("the server does not start: {}", process.log());
    const std::vector<pid_t> services = children(process.pid(), "@service");
    if (services.size() != 1) return fail("the server has no service process: {}", process.log());
    service = services[0];
    use_cpu(service, kBrokers);
    return {};
  }

  Port dns, http;
  Folder folder;
  Process process;
  pid_t service = 0;
};

enum class Kind { authentication, registration };

struct Turn {
  double cpu = 0;   // seconds of the broker for each
  double rate = 0;  // a second
};

// What `registers`, which makes kTurn registrations, costs a broker.
Turn take_turn(pid_t broker, const std::function<void()>& registers) {
  const double cpu = process_seconds(broker);
  const auto begin = Clock::now();
  registers();
  return {.cpu = (process_seconds(broker) - cpu) / kTurn, .rate = kTurn / seconds_since(begin)};
}

class Load {
 public:
  explicit Load(const Forge& forge) : forge_(forge), nodes_(loop_) {}

  Turn run(Kind kind) {
    end_ = next_ + kTurn;
    wrong_ = 0;
    working_ = kClients;
    const Turn turn = take_turn(forge_.service, [&] {
      for (std::size_t i = 0; i < kClients; ++i) loop_.spawn(register_some(*this, kind));
      loop_.run();
    });
    if (wrong_ > 0) std::fprintf(stderr, "bench_registrations: %u wrong answers\n", wrong_);
    return turn;
  }
  [[nodiscard]] bool right() const { return wrong_ == 0; }

 private:
  // One that is only to be authenticated has a body that says nothing: it is refused behind that.
  static async::Task<> register_some(Load& load, Kind kind) {
    Registrar registrar(load.loop_, loopback(load.forge_.http.number()), kHost);
    while (load.next_ < load.end_) {
      const std::uint32_t node = load.next_++;
      const libp2p::PrivateKey key = Nodes::key(node);
      const std::vector<std::string> addresses = {load.nodes_.address(node)};
      std::string body = kind == Kind::registration ? registration_body(challenge_value(node), addresses) : "{}";
      const http::Response response = co_await registrar.registers(key, std::move(body));
      if (response.status != (kind == Kind::registration ? 200U : 400U)) ++load.wrong_;
    }
    if (--load.working_ == 0) load.loop_.stop();
  }

  const Forge& forge_;
  async::Loop loop_;
  Nodes nodes_;
  std::uint32_t next_ = 0, end_ = 0, wrong_ = 0;
  std::size_t working_ = 0;
};

template <typename T>
T median(std::vector<T> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

double measure_where_brokers_are(Cryptography& cryptography) {
  use_cpu(0, kBrokers);
  const double seconds = measure(cryptography);
  use_cpu(0, kOurs);
  return seconds;
}

// What one round measured.
struct Round {
  double cryptography = 0;  // seconds of CPU
  Turn bare, authentication, registration;
};

void report(const char* what, const std::vector<Round>& rounds, const std::function<Turn(const Round&)>& turn) {
  std::vector<double> cpu, to_cryptography, to_bare, rates;
  for (const Round& round : rounds) {
    const Turn each = turn(round);
    cpu.push_back(each.cpu);
    to_cryptography.push_back(each.cpu / round.cryptography);
    to_bare.push_back(each.cpu / round.bare.cpu);
    rates.push_back(each.rate);
  }
  std::printf("%-30s %8.3f ms %16.2f %8.2f", what, median(cpu) * 1e3, median(to_cryptography), median(to_bare));
  if (median(rates) > 0) std::printf(" %10.0f", median(rates));
  std::printf("\n");
}

Result<> run(const std::string& swage, int count) {
  Forge forge;
  TRY(forge.start(swage));
  use_cpu(0, kOurs);
  Cryptography cryptography;
  Bare bare(kBrokers, kClients);
  Load load(forge);
  static_cast<void>(load.run(Kind::registration));  // warms up
  std::vector<Round> rounds;
  for (int i = 0; i < count && load.right(); ++i) {
    Round round;
    round.cryptography = measure_where_brokers_are(cryptography);
    round.bare = take_turn(bare.pid(), [&] { bare.run(kTurn); });
    round.authentication = load.run(Kind::authentication);
    round.registration = load.run(Kind::registration);
    round.cryptography = (round.cryptography + measure_where_brokers_are(cryptography)) / 2;
    rounds.push_back(round);
  }
  if (!load.right()) return fail("the broker did not answer as it should: {}", forge.process.log());
  std::printf("%-30s %11s %16s %8s %10s\n", "of a broker", "CPU", "x cryptography", "x bare", "a second");
  report("the cryptography alone", rounds, [](const Round& round) { return Turn{round.cryptography, 0}; });
  report("a bare broker", rounds, [](const Round& round) { return round.bare; });
  report("authentication, two requests", rounds, [](const Round& round) { return round.authentication; });
  report("dial-back", rounds,
         [](const Round& round) { return Turn{round.registration.cpu - round.authentication.cpu, 0}; });
  report("registration", rounds, [](const Round& round) { return round.registration; });
  return {};
}

}  // namespace
}  // namespace swage::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_registrations SWAGE [ROUNDS]\n");
    return 2;
  }
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 25;
  if (const auto done = swage::bench::run(argv[1], rounds); !done) {
    std::fprintf(stderr, "bench_registrations: %s\n", done.error().text().c_str());
    return 1;
  }
}
