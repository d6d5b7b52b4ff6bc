#include "tests/bench/registrations/bare.h"

#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "core/result.h"

namespace swage::bench {

namespace {

// Bytes of each message, as `strace` shows them of a broker under bench_registrations. What is in them, nobody looks
// at.
constexpr std::size_t kQuestion = 247;   // the client's first request
constexpr std::size_t kChallenge = 525;  // the 401
constexpr std::size_t kAnswer = 473;     // the client's second request
constexpr std::size_t kDone = 290;       // the 200
constexpr std::size_t kProposal = 62;    // to the node: multistream-select, and the first message of Noise
constexpr std::size_t kProof = 230;      // the node's answer: the same, and the second message

constexpr std::uint32_t kFirstNode = 0x7F010000;  // 127.1.0.0: each registration dials another address
constexpr int kKind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

sockaddr_in address_of(std::uint32_t address, std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(address);
  return at;
}

// On all addresses, at a port that the kernel chooses.
Descriptor listener() {
  Descriptor socket(::socket(AF_INET, kKind, 0));
  CHECK(::listen(socket.get(), SOMAXCONN) == 0);
  return socket;
}

std::uint16_t port_of(const Descriptor& listener) {
  sockaddr_in at{};
  socklen_t size = sizeof at;
  CHECK(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
  return ntohs(at.sin_port);
}

// Begun, if not done: writable when it is.
int connect_to(std::uint32_t address, std::uint16_t port) {
  const int socket = ::socket(AF_INET, kKind, 0);
  const sockaddr_in at = address_of(address, port);
  CHECK(::connect(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 || errno == EINPROGRESS);
  return socket;
}

void watch(const Descriptor& poll, int socket, std::uint32_t events) {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.fd = socket;
  CHECK(::epoll_ctl(poll.get(), EPOLL_CTL_ADD, socket, &event) == 0);
}

// Calls `ready` with each socket that has something, once.
template <typename Ready>
void wait(const Descriptor& poll, const Ready& ready) {
  std::array<epoll_event, 256> events;
  const int count = ::epoll_wait(poll.get(), events.data(), events.size(), -1);
  for (int i = 0; i < count; ++i) ready(events[static_cast<std::size_t>(i)].data.fd);
}

std::array<std::uint8_t, 4096> g_bytes;

void accept_all(const Descriptor& poll, const Descriptor& listener) {
  while (true) {
    const int socket = ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    watch(poll, socket, EPOLLIN);
  }
}

void send(int socket, std::size_t size) { CHECK(::write(socket, g_bytes.data(), size) == static_cast<ssize_t>(size)); }

// The size of the message that came, 0 where none has; nothing at the connection's end.
std::optional<std::size_t> receive(int socket) {
  const ssize_t size = ::read(socket, g_bytes.data(), g_bytes.size());
  if (size < 0 && errno == EAGAIN) return 0;
  if (size <= 0) return std::nullopt;
  return static_cast<std::size_t>(size);
}

// The child process.
class Broker {
 public:
  Broker(Descriptor listener, std::uint16_t nodes)
      : poll_(::epoll_create1(EPOLL_CLOEXEC)), listener_(std::move(listener)), nodes_(nodes) {
    watch(poll_, listener_.get(), EPOLLIN);
  }

  [[noreturn]] void run() {
    while (true) {
      wait(poll_, [this](int socket) { serve(socket); });
    }
  }

 private:
  // Who waits for a node, and whether it has been sent our proposal.
  struct Dial {
    int client = -1;
    bool proposed = false;
  };

  void serve(int socket) {
    if (socket == listener_.get()) {
      accept_all(poll_, listener_);
    } else if (Dial& dial = dials_[static_cast<std::size_t>(socket)]; dial.client >= 0) {
      reach(socket, dial);
    } else {
      answer(socket);
    }
  }

  void answer(int client) {
    const auto size = receive(client);
    if (size == kQuestion) {
      cryptography_.answer_challenge();
      send(client, kChallenge);
    } else if (size == kAnswer) {
      cryptography_.check_answer();
      const int node = connect_to(kFirstNode + (node_++ & 0xFFFF), nodes_);
      dials_[static_cast<std::size_t>(node)] = {.client = client};
      watch(poll_, node, EPOLLIN | EPOLLOUT);
    }
  }

  void reach(int node, Dial& dial) {
    if (!dial.proposed) {
      dial.proposed = true;
      cryptography_.begin_handshake();
      send(node, kProposal);
    } else if (receive(node) == kProof) {
      cryptography_.check_proof();
      const linger reset{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(node, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      ::close(node);
      send(std::exchange(dial.client, -1), kDone);
    }
  }

  Descriptor poll_, listener_;
  std::uint16_t nodes_;
  std::uint32_t node_ = 0;
  std::array<Dial, 1024> dials_{};  // by the node's socket
  Cryptography cryptography_;
};

}  // namespace

Bare::Bare(int cpu, std::size_t clients) : poll_(::epoll_create1(EPOLL_CLOEXEC)), nodes_(listener()) {
  Descriptor listening = listener();
  const std::uint16_t port = port_of(listening);
  pid_ = ::fork();
  CHECK(pid_ >= 0);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    ::sched_setaffinity(0, sizeof set, &set);
    Broker(std::move(listening), port_of(nodes_)).run();
  }
  watch(poll_, nodes_.get(), EPOLLIN);
  for (std::size_t i = 0; i < clients; ++i) {
    clients_.emplace_back(connect_to(INADDR_LOOPBACK, port));
    watch(poll_, clients_.back().get(), EPOLLIN);
  }
}

Bare::~Bare() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Bare::run(std::uint32_t count) {
  to_begin_ = to_end_ = count;
  for (const Descriptor& client : clients_) {
    if (to_begin_ == 0) break;
    --to_begin_;
    send(client.get(), kQuestion);
  }
  const auto ready = [this](int socket) {
    if (socket == nodes_.get()) {
      accept_all(poll_, nodes_);
    } else {
      serve(socket);
    }
  };
  while (to_end_ > 0) wait(poll_, ready);
}

// Clients and nodes have about as much to do as real ones, so that the broker waits as often.
void Bare::serve(int connection) {
  const auto size = receive(connection);
  if (size == kChallenge) {
    cryptography_.check_answer();
    cryptography_.answer_challenge();
    send(connection, kAnswer);
  } else if (size == kProposal) {
    cryptography_.begin_handshake();
    cryptography_.check_proof();
    send(connection, kProof);
  } else if (size == kDone) {
    --to_end_;
    if (to_begin_ == 0) return;
    --to_begin_;
    send(connection, kQuestion);
  } else if (!size) {
    ::close(connection);
  }
}

}  // namespace swage::bench
