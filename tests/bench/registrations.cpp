// bench_registrations SWAGE [COUNT]: what a registration costs the broker: its CPU time, split into the authentication
// of the peer and the dial-back, beside the cryptography that neither can do without, measured in the same run. Starts
// the server itself; plays the nodes, on another CPU where there is one.
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "core/async/event.h"
#include "core/crypto/chacha20_poly1305.h"
#include "core/crypto/ed25519.h"
#include "core/crypto/random.h"
#include "core/crypto/x25519.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"

namespace {

using namespace swage;
using namespace swage::tests;
using Clock = std::chrono::steady_clock;

constexpr const char* kHost = "registration.libp2p.direct";
constexpr std::size_t kClients = 16;  // at the same time
constexpr int kTurns = 5;             // of which the median counts

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

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

// What nobody can do without: how often of each. Hashes are left out.
struct Floor {
  int signatures, verifications, key_pairs, agreements, seals;
};
// A registration of an Ed25519 peer over Noise, up to the proof of who is there. peer-id-auth has the server sign once
// and verify once; an initiator of Noise XX makes an ephemeral key, agrees twice (ee, es), opens the responder's static
// key and its payload, and verifies what is in there. Its own static key was made and signed when the process began.
constexpr Floor kProof{1, 2, 1, 2, 2};
// With the last message of the handshake: another agreement (se), two seals.
constexpr Floor kHandshake{1, 2, 1, 3, 4};

double cryptography(const Floor& floor) {
  crypto::SystemRandom random;
  std::array<std::uint8_t, 32> seed{};
  random.fill(seed);
  const crypto::Ed25519Key key = crypto::Ed25519Key::from_seed(seed);
  const crypto::Ed25519Public theirs = key.public_key();
  std::array<std::uint8_t, 150> message{};
  std::array<std::uint8_t, 150 + crypto::kChaChaTagSize> sealed{};
  constexpr int kRounds = 500;
  std::size_t good = 0;
  crypto::Ed25519Signature signature = key.sign(message);
  crypto::X25519Key ours = crypto::X25519Key::generate(random);
  const crypto::X25519Key other = crypto::X25519Key::generate(random);
  const double begin = thread_seconds();
  for (int i = 0; i < kRounds; ++i) {
    for (int each = 0; each < floor.signatures; ++each) signature = key.sign(message);
    for (int each = 0; each < floor.verifications; ++each) {
      good += crypto::ed25519_verify(theirs, message, signature) ? 1 : 0;
    }
    for (int each = 0; each < floor.key_pairs; ++each) ours = crypto::X25519Key::generate(random);
    for (int each = 0; each < floor.agreements; ++each) good += ours.agree(other.public_key()) ? 1 : 0;
    for (int each = 0; each < floor.seals; ++each) {
      crypto::chacha20_poly1305_seal(seed, crypto::ChaChaNonce{}, {}, message, sealed);
    }
  }
  const double each = (thread_seconds() - begin) / kRounds;
  CHECK(good == static_cast<std::size_t>(floor.verifications + floor.agreements) * kRounds);
  return each;
}

// The broker, alone on CPU 0.
struct Forge {
  Result<> start(const std::string& swage) {
    const std::string corefile = "libp2p.direct {\n    bind 127.0.0.1\n    acme-txt\n    broker " + std::string(kHost) +
                                 " {\n        listen 127.0.0.1:" + std::to_string(http.number()) +
                                 "\n        tls off\n        trusted-proxy 127.0.0.0/8\n        limit peer off\n"
                                 "        limit client off\n        dial {\n            allow 127.0.0.0/8\n        }\n"
                                 "    }\n}\n";
    TRY(process, Process::start({.arguments = {swage, "-conf", folder.write("Corefile", corefile), "-dns.port",
                                               std::to_string(dns.number()), "-workers", "1", "-quiet", "-pidfile",
                                               folder.file("pid")}}));
    const bool ready = wait_until([&] { return !read_file(folder.file("pid")).empty(); }, Milliseconds(20000));
    if (!ready) return fail("the server does not start: {}", process.log());
    const std::vector<pid_t> services = children(process.pid(), "@service");
    if (services.size() != 1) return fail("the server has no service process: {}", process.log());
    service = services[0];
    use_cpu(service, 0);
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

class Load {
 public:
  Load(const Forge& forge, std::uint32_t count) : forge_(forge), count_(count), nodes_(loop_) {}

  Turn run(Kind kind) {
    next_ = wrong_ = 0;
    working_ = kClients;
    const double cpu = process_seconds(forge_.service);
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < kClients; ++i) loop_.spawn(register_some(*this, kind));
    loop_.run();
    const Turn turn{(process_seconds(forge_.service) - cpu) / count_, count_ / seconds_since(begin)};
    if (wrong_ > 0) std::fprintf(stderr, "bench_registrations: %u wrong answers\n", wrong_);
    return turn;
  }
  [[nodiscard]] bool right() const { return wrong_ == 0; }

 private:
  // One that is only to be authenticated has a body that says nothing: it is refused behind that.
  static async::Task<> register_some(Load& load, Kind kind) {
    Registrar registrar(load.loop_, loopback(load.forge_.http.number()), kHost);
    while (load.next_ < load.count_) {
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
  std::uint32_t count_;
  async::Loop loop_;
  Nodes nodes_;
  std::uint32_t next_ = 0, wrong_ = 0;
  std::size_t working_ = 0;
};

template <typename T>
T median(std::vector<T> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

// Seconds of CPU: of both floors, and what is compared with them.
struct Floors {
  double proof, handshake;
};

void report(const char* what, double seconds, Floors floors, double rate = 0) {
  std::printf("%-32s %8.3f ms %8.2f %12.2f", what, seconds * 1e3, seconds / floors.proof, seconds / floors.handshake);
  if (rate > 0) std::printf(" %10.0f", rate);
  std::printf("\n");
}

Result<> bench(const std::string& swage, std::uint32_t count) {
  Forge forge;
  TRY(forge.start(swage));
  use_cpu(0, 1);
  Load load(forge, count);
  static_cast<void>(load.run(Kind::registration));  // warms up
  std::vector<double> proofs, handshakes, authentications, registrations, authentication_rates, rates;
  for (int i = 0; i < kTurns && load.right(); ++i) {
    proofs.push_back(cryptography(kProof));
    handshakes.push_back(cryptography(kHandshake));
    const Turn authentication = load.run(Kind::authentication);
    if (!load.right()) break;
    const Turn registration = load.run(Kind::registration);
    authentications.push_back(authentication.cpu);
    authentication_rates.push_back(authentication.rate);
    registrations.push_back(registration.cpu);
    rates.push_back(registration.rate);
  }
  if (!load.right()) return fail("the broker did not answer as it should: {}", forge.process.log());
  const double authentication = median(authentications), whole = median(registrations);
  const Floors floors{median(proofs), median(handshakes)};
  std::printf("%-32s %11s %8s %12s %10s\n", "of the broker", "CPU", "x proof", "x handshake", "a second");
  report("cryptography up to the proof", floors.proof, floors);
  report("cryptography of whole handshakes", floors.handshake, floors);
  report("authentication, two requests", authentication, floors, median(authentication_rates));
  report("dial-back", whole - authentication, floors);
  report("registration", whole, floors, median(rates));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_registrations SWAGE [COUNT]\n");
    return 2;
  }
  const auto count = static_cast<std::uint32_t>(argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1000);
  if (const auto done = bench(argv[1], count); !done) {
    std::fprintf(stderr, "bench_registrations: %s\n", done.error().text().c_str());
    return 1;
  }
}
