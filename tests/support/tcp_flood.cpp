#include "tests/support/tcp_flood.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "core/descriptor.h"
#include "core/result.h"

namespace swage::tests {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = FloodOptions::Kind;

constexpr std::size_t kBurst = 4096;         // bytes of queries that are sent at once
constexpr std::size_t kConnectsAtOnce = 32;  // between looks at the others
constexpr int kSmallBuffer = 4096;           // bytes: of a client that never reads
constexpr Milliseconds kSlowly{1000};        // between bytes
constexpr Milliseconds kLostAfter{2000};     // an answer that is not there is lost
constexpr Milliseconds kBetweenQueries{1};

bool asks(Kind kind) { return kind == Kind::pipelining || kind == Kind::never_reads; }

std::uint32_t events_of(Kind kind) {
  if (kind == Kind::pipelining) return EPOLLIN | EPOLLOUT;
  if (kind == Kind::never_reads || kind == Kind::once) return EPOLLOUT | EPOLLRDHUP | EPOLLET;
  return EPOLLIN | EPOLLRDHUP;
}

// Of a process, ever, in milliseconds: the second number of its /proc/PID/schedstat.
double waited_for_processor(int schedstat) {
  std::array<char, 128> text{};
  CHECK(pread(schedstat, text.data(), text.size() - 1, 0) > 0);
  const char* const second = std::strchr(text.data(), ' ');
  CHECK(second != nullptr);
  return std::strtod(second, nullptr) / 1e6;
}

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

}  // namespace

struct TcpFlood::Connection {
  int socket = -1;
  unsigned index = 0;
  std::size_t sent = 0;  // of the burst, or of the query
};

int connect_from(unsigned network, const Endpoint& server, int receive_buffer) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  if (receive_buffer > 0) setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  const int on = 1;
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl((INADDR_LOOPBACK & 0xFF000000U) | network << 8 | 1);
  sockaddr_storage to;
  const socklen_t size = server.to_sockaddr(to);
  if (bind(socket, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
      ::connect(socket, reinterpret_cast<const sockaddr*>(&to), size) == 0) {
    return socket;
  }
  close(socket);
  return -1;
}

TcpFlood::TcpFlood(const Endpoint& server, const FloodOptions& options)
    : server_(server), options_(options), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  do {
    burst_.insert(burst_.end(), options.query.begin(), options.query.end());
  } while (asks(options.kind) && burst_.size() < kBurst);
  for (unsigned i = 0; i < options.connections; ++i) {
    connections_.push_back(std::make_unique<Connection>(Connection{-1, i, 0}));
    lost_.push_back(connections_.back().get());
  }
  std::reverse(lost_.begin(), lost_.end());
  thread_ = std::thread([this] { run(); });
}

TcpFlood::~TcpFlood() {
  stopping_ = true;
  thread_.join();
  for (const auto& connection : connections_) {
    if (connection->socket >= 0) close(connection->socket);
  }
  close(epoll_);
}

bool TcpFlood::wait_for_open(unsigned connections, Milliseconds patience) const {
  return wait_until([&] { return open() >= connections; }, patience);
}

void TcpFlood::run() {
  auto slow_turn = Clock::now();
  while (!stopping_) {
    for (std::size_t i = 0; i < kConnectsAtOnce && !lost_.empty(); ++i) {
      Connection& connection = *lost_.back();
      lost_.pop_back();
      connect(connection);
      if (connection.socket < 0) break;
    }
    std::array<epoll_event, 256> events;
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), lost_.empty() ? 20 : 1);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      serve(*static_cast<Connection*>(event.data.ptr), event.events);
    }
    if (options_.kind == Kind::slow && Clock::now() >= slow_turn) {
      send_slowly();
      slow_turn = Clock::now() + kSlowly;
    }
  }
}

void TcpFlood::connect(Connection& connection) {
  const unsigned network = options_.first_network + connection.index / options_.of_an_address;
  connection.socket = connect_from(network, server_, options_.kind == Kind::never_reads ? kSmallBuffer : 0);
  connection.sent = 0;
  if (connection.socket < 0) return lost_.push_back(&connection);
  epoll_event event{.events = events_of(options_.kind), .data = {.ptr = &connection}};
  CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event) == 0);
  ++open_;
}

void TcpFlood::serve(Connection& connection, std::uint32_t events) {
  if (connection.socket < 0) return;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) return lose(connection);
  if ((events & EPOLLIN) != 0) {
    static thread_local std::array<char, std::size_t{256} << 10> buffer;
    const ssize_t size = recv(connection.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN)) return lose(connection);
    if (size > 0) received_ += static_cast<std::uint64_t>(size);
  }
  if ((events & EPOLLOUT) == 0) return;
  if (connection.sent == burst_.size()) return;  // was to be sent once
  while (send(connection) && options_.kind == Kind::never_reads) {
  }
}

// What is left of the burst, or a new one; false where the socket does not take all of it.
bool TcpFlood::send(Connection& connection) {
  const Bytes rest = Bytes(burst_).subspan(connection.sent);
  const ssize_t size = ::send(connection.socket, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (size < 0 && errno != EAGAIN) lose(connection);
  if (size <= 0) return false;
  connection.sent += static_cast<std::size_t>(size);
  if (connection.sent < burst_.size()) return false;
  if (options_.kind != Kind::once) connection.sent = 0;
  return true;
}

void TcpFlood::send_slowly() {
  for (const auto& connection : connections_) {
    if (connection->socket < 0) continue;
    const std::uint8_t* const byte = &burst_[connection->sent % burst_.size()];
    if (::send(connection->socket, byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      lose(*connection);
    } else if (++connection->sent == burst_.size() - 1) {
      --connection->sent;  // a whole query is never there
    }
  }
}

void TcpFlood::lose(Connection& connection) {
  close(std::exchange(connection.socket, -1));
  lost_.insert(lost_.begin(), &connection);
  --open_;
  ++closed_;
}

Latency measure_latency(const Endpoint& server, pid_t process, Bytes query, Milliseconds time) {
  const UdpClient client(server);
  const Descriptor of_server(open(fmt::format("/proc/{}/schedstat", process).c_str(), O_RDONLY | O_CLOEXEC));
  const Descriptor of_client(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC));
  const auto waited = [&] { return waited_for_processor(of_server.get()) + waited_for_processor(of_client.get()); };
  Packet packet(query.begin(), query.end());
  std::vector<double> times, running;
  Latency latency;
  const auto end = Clock::now() + time;
  for (std::uint16_t id = 1; Clock::now() < end; ++id) {
    store_u16(packet.data(), id);
    const double before = waited();
    const auto start = Clock::now();
    client.send(packet);
    std::optional<Packet> answer;
    do {
      answer = client.receive(kLostAfter);
    } while (answer && load_u16(answer->data()) != id);
    times.push_back(milliseconds(Clock::now() - start));
    running.push_back(std::max(0.0, times.back() - (waited() - before)));
    ++latency.asked;
    if (!answer) ++latency.lost;
    std::this_thread::sleep_for(kBetweenQueries);
  }
  for (std::vector<double>* each : {&times, &running}) std::ranges::sort(*each);
  latency.median = times[times.size() / 2];
  latency.p99 = times[times.size() * 99 / 100];
  latency.p99_running = running[running.size() * 99 / 100];
  return latency;
}

}  // namespace swage::tests
