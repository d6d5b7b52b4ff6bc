// A broker that is flooded by those who prove nothing, from a hundred networks at once: honest nodes of other networks
// register within 2 seconds meanwhile, and what the floods cost is bounded. The short form; for a minute, and what
// connections over TLS take: broker_flood_test "[long]".
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <optional>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "core/async/event.h"
#include "core/async/testing.h"
#include "core/async/tls.h"
#include "core/async/tls_testing.h"
#include "core/crypto/base64.h"
#include "core/crypto/testing.h"
#include "core/descriptor.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/dns_client.h"
#include "tests/support/dns_message.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* kHost = "registration.libp2p.direct";
constexpr std::size_t kNetworks = 100;
constexpr const char* kCorefile = R"(libp2p.direct {
    bind 127.0.0.1
    acme-txt
    broker registration.libp2p.direct {
        listen 127.0.0.1:@PORT2@
        tls off
        limit peer off
        limit client 600/1m
        dial {
            allow 127.0.0.0/8
            limit network off
            limit foreign off
        }
    }
    file zones/libp2p.direct
}
)";

// A connection from 127.(100 + network).0.1, which is a network of its own.
Descriptor connect_from(std::size_t network, std::uint16_t port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(0x7F000001U + static_cast<std::uint32_t>((100 + network) << 16));
  const timeval patience{10, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) return Descriptor();
  sockaddr_storage address;
  const socklen_t size = loopback(port).to_sockaddr(address);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return Descriptor();
  return socket;
}

bool send_all(int socket, std::string_view text) {
  return send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

std::string request(std::string_view authorization) {
  return fmt::format("POST /v1/_acme-challenge HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Length: 0\r\n\r\n",
                     kHost, authorization);
}

// A response, without a body of more than a line.
std::string receive(int socket) {
  std::string text;
  char part[4096];
  while (true) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end != std::string::npos) {
      const std::size_t length = text.find("Content-Length: ");
      const std::size_t body = length < end ? std::stoul(text.substr(length + 16)) : 0;
      if (text.size() >= end + 4 + body) return text;
    }
    const ssize_t size = recv(socket, part, sizeof part, 0);
    if (size <= 0) return "";
    text.append(part, static_cast<std::size_t>(size));
  }
}

// The dearest to verify: a key on P-521, and a signature by nobody that has the form of one.
class Forger {
 public:
  Forger() {
    const auto pkix = crypto::testing::unhex(
        "30819b301006072a8648ce3d020106052b81040023038186000400e42033892cf7d1551267b292905a5adccd87f3b89126d66a89452646"
        "93"
        "19c6f62661c036ea2d37737fc8e0dc0d6c657672b5aef9c48b46e81cb0eb501b56f521cb01cb2b29f4930face50e9292a2b86c85fd5dab"
        "3a"
        "80c89c06b763935efec31fcd503c1327aa61eba6e1b7e2a1d842974befcf5da087899f7289873d6f5f96d8fee451");
    const auto key = libp2p::PublicKey::from_data(libp2p::KeyType::ecdsa, pkix);
    first_ = fmt::format(R"(libp2p-PeerID challenge-server="{}", public-key="{}")", std::string(44, 'c'),
                         crypto::to_base64url(key.value().to_protobuf()));
    std::vector<std::uint8_t> sig = {0x30, 0x81, 134};
    for (int i = 0; i < 2; ++i) {
      sig.insert(sig.end(), {0x02, 65});
      sig.resize(sig.size() + 65, 0x5B);
    }
    sig_ = crypto::to_base64url(sig);
  }
  [[nodiscard]] const std::string& first() const { return first_; }
  [[nodiscard]] std::string second(const std::string& response) const {
    const std::size_t at = response.find("opaque=\"") + 8;
    return fmt::format(R"(libp2p-PeerID opaque="{}", sig="{}")", response.substr(at, response.find('"', at) - at),
                       sig_);
  }

 private:
  std::string first_, sig_;
};

// From each network one request after the other that asks for the verification of a signature.
class SignatureFlood {
 public:
  explicit SignatureFlood(std::uint16_t port) : port_(port) {
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads_.emplace_back([this, i] { flood(i); });
    }
  }
  ~SignatureFlood() {
    stopping_ = true;
    for (std::thread& each : threads_) each.join();
  }
  SignatureFlood(const SignatureFlood&) = delete;
  SignatureFlood& operator=(const SignatureFlood&) = delete;
  // Of second legs.
  [[nodiscard]] std::size_t verified() const { return verified_; }
  [[nodiscard]] std::size_t refused() const { return refused_; }

 private:
  static constexpr std::size_t kThreads = 2;

  void flood(std::size_t part) {
    const Forger forger;
    std::map<std::size_t, Descriptor> sockets;
    while (!stopping_) {
      for (std::size_t network = part; network < kNetworks; network += kThreads) {
        Descriptor& socket = sockets[network];
        if (socket.get() < 0) socket = connect_from(network, port_);
        if (!send_all(socket.get(), request(forger.first()))) socket = Descriptor();
      }
      for (auto& [network, socket] : sockets) {
        const std::string challenge = receive(socket.get());
        const bool is_one =
            challenge.find("opaque=\"") != std::string::npos;  // else there is no room for the connection
        if (!is_one || !send_all(socket.get(), request(forger.second(challenge)))) socket = Descriptor();
      }
      for (auto& [network, socket] : sockets) {
        const std::string response = receive(socket.get());
        if (response.empty()) socket = Descriptor();
        if (response.starts_with("HTTP/1.1 401")) ++verified_;
        if (response.starts_with("HTTP/1.1 429") || response.starts_with("HTTP/1.1 503")) ++refused_;
      }
    }
  }

  std::uint16_t port_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> verified_{0}, refused_{0};
  std::vector<std::thread> threads_;
};

// Registers honest nodes one after the other; the longest time, and the statuses.
struct Honest {
  std::map<unsigned, std::size_t> statuses;
  Clock::duration longest{};
};

async::Task<> register_nodes(async::Loop& loop, std::uint16_t port, const Nodes& nodes, Clock::duration time,
                             Honest& honest) {
  const auto end = Clock::now() + time;
  for (std::uint32_t i = 0; Clock::now() < end; ++i) {
    Registrar registrar(loop, loopback(port), kHost);
    const libp2p::PrivateKey key = Nodes::key(i);
    const std::vector<std::string> addresses = {nodes.address(i)};
    std::string body = registration_body(challenge_value(i), addresses);
    const auto begun = Clock::now();
    const http::Response response = co_await registrar.registers(key, std::move(body));
    honest.longest = std::max(honest.longest, Clock::now() - begun);
    ++honest.statuses[response.status];
    co_await async::sleep(loop, 200ms);
  }
  loop.stop();
}

Honest register_for(Clock::duration time, std::uint16_t port) {
  async::Loop loop;
  const Nodes nodes(loop);
  Honest honest;
  loop.spawn(register_nodes(loop, port, nodes, time, honest));
  loop.run();
  return honest;
}

long milliseconds(Clock::duration time) {
  return static_cast<long>(std::chrono::duration_cast<Milliseconds>(time).count());
}

// Connections from all networks that never finish their requests, whose heads have `size` bytes; a client that is
// closed comes again at once.
class SlowSenders {
 public:
  static constexpr std::size_t kCount = 4096;

  SlowSenders(std::uint16_t port, std::size_t size) : port_(port), sockets_(kCount) {
    head_ = fmt::format("POST /v1/_acme-challenge HTTP/1.1\r\nHost: {}\r\nX: ", kHost);
    head_.resize(std::max(size, head_.size()), 'x');
    for (std::size_t i = 0; i < kCount; ++i) renew(i);
    thread_ = std::thread([this] { hold(); });
  }
  ~SlowSenders() {
    stopping_ = true;
    thread_.join();
  }
  SlowSenders(const SlowSenders&) = delete;
  SlowSenders& operator=(const SlowSenders&) = delete;
  [[nodiscard]] std::size_t renewed() const { return renewed_; }

 private:
  void hold() {
    while (!stopping_) {
      for (std::size_t i = 0; i < kCount && !stopping_; ++i) {
        char byte = 0;
        const bool open = recv(sockets_[i].get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
        if (!open || send(sockets_[i].get(), "x", 1, MSG_NOSIGNAL) != 1) renew(i);
      }
      std::this_thread::sleep_for(20ms);
    }
  }
  void renew(std::size_t i) {
    sockets_[i] = connect_from(i % kNetworks, port_);
    static_cast<void>(send_all(sockets_[i].get(), head_));
    ++renewed_;
  }

  std::uint16_t port_;
  std::string head_;
  std::vector<Descriptor> sockets_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> renewed_{0};
  std::thread thread_;
};

long resident_megabytes(pid_t pid) {
  std::istringstream status(read_file("/proc/" + std::to_string(pid) + "/status"));
  std::string word;
  while (status >> word && word != "VmRSS:") {
  }
  long kilobytes = 0;
  status >> kilobytes;
  return kilobytes >> 10;
}

void hold_connections(std::size_t size, long most, std::chrono::seconds time) {
  Server server(kCorefile, {.release = true});
  const std::vector<pid_t> services = children(server.process().pid(), "@service");
  REQUIRE(services.size() == 1);
  const long before = resident_megabytes(services[0]);
  Honest honest;
  long during = 0;
  std::size_t renewed = 0;
  {
    const SlowSenders senders(server.second_port(), size);
    honest = register_for(time, server.second_port());
    during = resident_megabytes(services[0]);
    renewed = senders.renewed();
  }
  long after = 0;
  const auto is_back = [&] {
    after = resident_megabytes(services[0]);
    return after <= before + 12;
  };
  CHECK(wait_until(is_back, 15s));
  WARN(SlowSenders::kCount << " slow senders of " << size << " bytes, " << renewed
                           << " connections in all: the service's "
                           << "memory " << before << " MB before, " << during << " meanwhile, " << after
                           << " afterwards; the longest of " << honest.statuses[200] << " honest registrations took "
                           << milliseconds(honest.longest) << " ms");
  CHECK(honest.statuses.size() == 1);
  CHECK(honest.statuses[200] > 3);
  CHECK(honest.longest < 2s);
  CHECK(during <= before + most);
}

async::Task<> open_connections(async::Loop& loop, std::uint16_t port, const async::TlsContext& tls,
                               std::vector<std::unique_ptr<async::TlsStream>>& streams) {
  while (streams.size() < SlowSenders::kCount) {
    auto tcp = std::make_unique<async::TcpStream>(loop);
    const Result<> connected = co_await tcp->connect(loopback(port));
    auto stream = std::make_unique<async::TlsStream>(loop, std::move(tcp), tls, async::TlsSide::client);
    const Result<> done = co_await stream->handshake();
    if (!connected || !done) break;
    streams.push_back(std::move(stream));
  }
  loop.stop();
}

// What connections over TLS take that say nothing.
void hold_tls_connections() {
  Folder folder;
  const auto identity = async::testing::make_tls_identity("DNS:registration.libp2p.direct");
  const std::string files =
      fmt::format("tls {} {}\n trusted-proxy 127.0.0.0/8", folder.write("cert", identity.certificate_pem),
                  folder.write("key", identity.key_pem));
  std::string corefile = kCorefile;
  corefile.replace(corefile.find("tls off"), 7, files);
  Server server(corefile, {.release = true});
  const std::vector<pid_t> services = children(server.process().pid(), "@service");
  REQUIRE(services.size() == 1);
  const long before = resident_megabytes(services[0]);
  async::Loop loop;
  const auto tls = async::TlsContext::unverified_client({});
  REQUIRE(tls);
  std::vector<std::unique_ptr<async::TlsStream>> streams;
  loop.spawn(open_connections(loop, server.second_port(), *tls, streams));
  loop.run();
  CHECK(streams.size() == SlowSenders::kCount);
  const long during = resident_megabytes(services[0]);
  WARN(streams.size() << " connections over TLS: the service's memory " << before << " MB before, " << during
                      << " meanwhile");
  CHECK(during <= before + 128);
}

// How long answers over UDP take, sorted: of two servers in turn, so that both see the same machine.
struct Latencies {
  std::vector<Clock::duration> flooded, other;
};

Latencies latencies(const Server& flooded, const Server& other) {
  constexpr int kQueries = 1000;
  Latencies all;
  const Packet query = encode({.name = "libp2p.direct.", .type = "SOA"});
  const auto ask = [&query](const Server& server, std::vector<Clock::duration>& times) {
    const auto begun = Clock::now();
    const std::optional<Packet> response = ask_udp(server.endpoint(), query, 10s);
    times.push_back(Clock::now() - begun);
    CHECK((response && (response->at(3) & 0x0F) == 0));  // RCODE
  };
  for (int i = 0; i < kQueries; ++i) {
    ask(flooded, all.flooded);
    ask(other, all.other);
  }
  std::ranges::sort(all.flooded);
  std::ranges::sort(all.other);
  return all;
}

Clock::duration median(const std::vector<Clock::duration>& sorted) { return sorted.at(sorted.size() / 2); }
Clock::duration p99(const std::vector<Clock::duration>& sorted) { return sorted.at(sorted.size() * 99 / 100); }

bool is_undisturbed(const Latencies& times) {
  return !times.other.empty() && median(times.flooded) <= 2 * median(times.other) &&
         p99(times.flooded) <= 2 * p99(times.other) + 1ms;
}

long microseconds(Clock::duration time) {
  return static_cast<long>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

void flood_with_signatures(std::chrono::seconds time) {
  const Server other(kCorefile, {.release = true});
  Server server(kCorefile, {.release = true});
  const auto begun = Clock::now();
  Honest honest;
  Latencies udp;
  std::size_t verified = 0, refused = 0;
  {
    const SignatureFlood flood(server.second_port());
    honest = register_for(time, server.second_port());
    for (int i = 0; i < 3 && !is_undisturbed(udp); ++i) udp = latencies(server, other);  // the machine is noisy
    verified = flood.verified();
    refused = flood.refused();
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  WARN(verified << " signatures verified, " << refused << " refused in " << seconds << " s; the longest of "
                << honest.statuses[200] << " honest registrations took " << milliseconds(honest.longest) << " ms");
  CHECK(honest.statuses.size() == 1);
  CHECK(honest.statuses[200] > 3);
  CHECK(honest.longest < 2s);
  CHECK(refused > verified);
  WARN("UDP, us: median " << microseconds(median(udp.flooded)) << ", p99 " << microseconds(p99(udp.flooded))
                          << "; of another server meanwhile " << microseconds(median(udp.other)) << ", "
                          << microseconds(p99(udp.other)));
  CHECK(is_undisturbed(udp));
  // Charged 0.9 ms each (libp2p::verification_cost): 600 ms at first, 250 ms a second (verification_limit.h).
  CHECK(static_cast<double>(verified) * 0.9 <= 600 + 250 * seconds);
}

void allow_many_files() {
  rlimit files{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = files.rlim_max;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &files) == 0);
  REQUIRE(files.rlim_cur > 3 * SlowSenders::kCount);
}

}  // namespace

TEST_CASE("broker flood: signatures by the dearest keys, from a hundred networks") { flood_with_signatures(4s); }

TEST_CASE("broker flood: four thousand slow senders") {
  if (std::getenv("SWAGE_RELEASE") == nullptr) {
    WARN("skipped: what memory a sanitizer takes says nothing");
    return;
  }
  allow_many_files();
  hold_connections(100, 48, 3s);
  hold_connections(15'000, 80, 3s);
}

TEST_CASE("broker flood: four thousand connections over TLS", "[.long]") {
  allow_many_files();
  hold_tls_connections();
}

TEST_CASE("broker flood: signatures by the dearest keys, for a minute", "[.long]") { flood_with_signatures(60s); }
