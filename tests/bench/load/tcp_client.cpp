#include "tests/bench/load/tcp_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <thread>

namespace swage::bench {
namespace {

constexpr unsigned kOfAnAddress = 200;  // connections: servers limit what one client may have
constexpr unsigned kOpenAtOnce = 64;    // connections: fewer than any server's backlog
constexpr int kEvents = 256;
constexpr std::size_t kMostMessage = 2 + 0xFFFF;
constexpr std::size_t kReadSize = std::size_t{256} << 10;
constexpr auto kOpenPatience = std::chrono::seconds(5);

// The address from which connection `index` comes: 127.0.0.1 and those behind it.
in_addr_t source_of(unsigned index) { return htonl(INADDR_LOOPBACK + index / kOfAnAddress); }

sockaddr_in address_of(in_addr_t address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = address;
  return result;
}

bool set_up(int descriptor, unsigned index, std::uint16_t port) {
  const int on = 1;
  const linger reset = {.l_onoff = 1, .l_linger = 0};
  const sockaddr_in from = address_of(source_of(index), 0);
  const sockaddr_in to = address_of(htonl(INADDR_LOOPBACK), port);
  return ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
         ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0 &&
         ::setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
         ::bind(descriptor, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
         ::connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
}

Result<int> connect_to(unsigned index, std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail("socket: {}", std::strerror(errno));
  if (set_up(descriptor, index, port)) return descriptor;
  const int error = errno;
  ::close(descriptor);
  return fail("connect to port {}: {}", port, std::strerror(error));
}

// Now, not 40 ms later with a query: a server that leaves Nagle's algorithm on waits for it with its next answer.
void acknowledge(int descriptor) {
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

}  // namespace

// A socket and what was asked through it. The id of a query says in which slot it is: its lowest bits are the slot, the
// others change with each use.
class TcpClient::Connection {
 public:
  struct Slot {
    std::uint64_t due = 0;  // ns
    std::uint32_t query = 0;
    std::uint16_t id = 0;
    bool under_way = false;
  };

  Connection(int socket, unsigned window) : descriptor(socket), slots(window), bits_(std::bit_width(window - 1)) {
    for (unsigned i = 0; i < window; ++i) {
      slots[i].id = static_cast<std::uint16_t>(i);
      free.push_back(static_cast<std::uint16_t>(i));
    }
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(); }

  void close() {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
  }
  // The slot of the query with this id that is under way; nullptr where there is none.
  [[nodiscard]] Slot* find(std::uint16_t id) {
    const std::size_t index = id & ((1U << bits_) - 1);
    if (index >= slots.size() || slots[index].id != id || !slots[index].under_way) return nullptr;
    return &slots[index];
  }
  // REQUIRES: one is free.
  [[nodiscard]] Slot& take_slot() {
    Slot& slot = slots[free.back()];
    free.pop_back();
    slot.id = static_cast<std::uint16_t>(slot.id + (1U << bits_));
    slot.under_way = true;
    return slot;
  }
  void release(Slot& slot) {
    slot.under_way = false;
    free.push_back(static_cast<std::uint16_t>(&slot - slots.data()));
  }

  int descriptor;  // -1: closed
  std::vector<Slot> slots;
  std::vector<std::uint16_t> free;    // slots
  std::vector<std::uint8_t> partial;  // the beginning of an answer
  std::vector<std::uint8_t> unsent;   // what the socket did not take yet

 private:
  int bits_;
};

TcpClient::TcpClient(const TcpOptions& options, Queries& queries)
    : options_(options), queries_(queries), epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(kMostMessage + kReadSize) {}

TcpClient::~TcpClient() { ::close(epoll_); }

Result<> TcpClient::add_connection(unsigned index) {
  TRY(const int descriptor, connect_to(index, options_.port));
  connections_.push_back(std::make_unique<Connection>(descriptor, options_.window));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = connections_.back().get();
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) return fail("epoll_ctl: {}", std::strerror(errno));
  return {};
}

Result<> TcpClient::open() {
  for (unsigned i = 0; i < options_.connections; ++i) {
    TRY(add_connection(i));
    send(*connections_.back(), 1);
    const bool pause = (i + 1) % kOpenAtOnce == 0 || i + 1 == options_.connections;
    if (pause) TRY(wait_until_idle());
  }
  return {};
}

Result<> TcpClient::wait_until_idle() {
  const std::uint64_t end = now_ns() + std::chrono::nanoseconds(kOpenPatience).count();
  while (under_way_ > 0 && counters_.wrong == 0 && now_ns() < end) serve_ready(false, false);
  if (under_way_ == 0 && counters_.wrong == 0) return {};
  return fail("port {}: of {} connections {} got no answer; {} wrong {}", options_.port, connections_.size(),
              under_way_, counters_.wrong.load(), counters_.first_wrong);
}

void TcpClient::run(const std::atomic<Phase>& phase) {
  latency_ = Histogram();
  for (const auto& connection : connections_) send(*connection, connection->free.size());
  last_answer_ = now_ns();
  while (true) {
    const Phase current = phase.load(std::memory_order_relaxed);
    if (current == Phase::drain && under_way_ == 0) return;
    serve_ready(current == Phase::measure, current != Phase::drain);
    const bool stuck = now_ns() > last_answer_ + static_cast<std::uint64_t>(options_.timeout.count());
    if (!stuck) continue;
    for (const auto& connection : connections_) lose(*connection);
    return;
  }
}

void TcpClient::serve_ready(bool measuring, bool ask) {
  // Half a window at once: single queries would be read singly by the server.
  const std::size_t burst = (options_.window + 1) / 2;
  std::array<epoll_event, kEvents> events;
  const int count = ::epoll_wait(epoll_, events.data(), kEvents, 0);
  for (int i = 0; i < count; ++i) {
    Connection& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
    receive(connection, measuring);
    if (connection.descriptor < 0) continue;
    if (ask && connection.free.size() >= burst) {
      send(connection, connection.free.size());
    } else {
      acknowledge(connection.descriptor);
    }
  }
}

void TcpClient::receive(Connection& connection, bool measuring) {
  std::vector<std::uint8_t>& partial = connection.partial;
  std::copy(partial.begin(), partial.end(), buffer_.begin());
  const ssize_t size = ::recv(connection.descriptor, &buffer_[partial.size()], kReadSize, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    counters_.add_wrong(as_bytes("closed by the server"));
    return lose(connection);
  }
  const std::uint64_t now = now_ns();
  Bytes all = Bytes(buffer_).first(partial.size() + static_cast<std::size_t>(size));
  while (all.size() >= 2 && all.size() >= 2U + load_u16(all.data())) {
    const std::size_t length = load_u16(all.data());
    take(connection, all.subspan(2, length), now, measuring);
    all = all.subspan(2 + length);
  }
  partial.assign(all.begin(), all.end());
}

void TcpClient::take(Connection& connection, Bytes answer, std::uint64_t now, bool measuring) {
  if (answer.size() < 12) return counters_.add_wrong(answer);
  Connection::Slot* const asked = connection.find(load_u16(answer.data()));
  if (asked == nullptr) return counters_.add_wrong(answer);
  const Connection::Slot slot = *asked;
  connection.release(*asked);
  --under_way_;
  last_answer_ = now;
  if (!queries_.answered_by(answer, slot.query)) return counters_.add_wrong(answer);
  Counters::add(counters_.answered);
  if (measuring) latency_.add(now - slot.due);
}

void TcpClient::send(Connection& connection, std::size_t count) {
  std::vector<std::uint8_t>& bytes = connection.unsent;
  const std::uint64_t now = now_ns();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t query = asked_++ % queries_.size();
    Connection::Slot& slot = connection.take_slot();
    slot.due = now;
    slot.query = static_cast<std::uint32_t>(query);
    const MutableBytes packet = queries_.packet(query);
    store_u16(packet.data(), slot.id);
    const std::size_t start = bytes.size();
    bytes.resize(start + 2 + packet.size());
    store_u16(&bytes[start], static_cast<std::uint16_t>(packet.size()));
    std::copy(packet.begin(), packet.end(), bytes.begin() + static_cast<std::ptrdiff_t>(start + 2));
  }
  under_way_ += count;
  // What the socket does not take goes with the next queries: there are answers to come before them.
  const ssize_t sent = ::send(connection.descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) bytes.erase(bytes.begin(), bytes.begin() + sent);
}

// What is under way on it will not be answered.
void TcpClient::lose(Connection& connection) {
  connection.close();
  for (Connection::Slot& slot : connection.slots) {
    if (!slot.under_way) continue;
    connection.release(slot);
    --under_way_;
    Counters::add(counters_.lost);
  }
}

Result<> probe_tcp(std::uint16_t port, Queries& queries, std::chrono::nanoseconds patience) {
  const std::uint64_t end = now_ns() + static_cast<std::uint64_t>(patience.count());
  while (true) {
    TcpClient client({.port = port, .connections = 1, .window = 1}, queries);
    const Result<> opened = client.open();
    if (opened || now_ns() > end) return opened;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace swage::bench
