// bench_echo: the floor. What a UDP server costs that does nothing but I/O, done as a real one does it: a process for
// each worker with its own SO_REUSEPORT socket, epoll, recvmmsg and sendmmsg of up to 64 packets. It sets QR and sends
// back.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "core/result.h"

namespace swage::bench {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kBuffer = 2048;

struct Options {
  unsigned port = 0;  // on 127.0.0.1
  unsigned workers = 1;
  unsigned grow = 0;  // bytes that the reply is longer than the query
};

Result<Options> parse_options(int count, char** arguments) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = arguments[i];
    const std::string_view value = arguments[i + 1];
    unsigned* number = nullptr;
    if (name == "--port") number = &options.port;
    if (name == "--workers") number = &options.workers;
    if (name == "--grow") number = &options.grow;
    if (number == nullptr) return fail("no such option: {}", name);
    const auto [end, error] = std::from_chars(value.begin(), value.end(), *number);
    if (error != std::errc() || end != value.end()) return fail("{}: not a number: {}", name, value);
  }
  const bool good = options.port > 0 && options.port < 65536 && options.workers > 0 && options.grow <= 1024;
  if (count % 2 == 0 || !good) return fail("usage: bench_echo --port PORT [--workers N] [--grow BYTES]");
  return options;
}

Result<int> open_socket(unsigned port) {
  const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (descriptor < 0 || ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
      ::bind(descriptor, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
    return fail("127.0.0.1:{}: {}", port, std::strerror(errno));
  }
  return descriptor;
}

class Worker {
 public:
  Worker(int descriptor, unsigned grow) : descriptor_(descriptor), grow_(grow), messages_{} {
    for (std::size_t i = 0; i < kBatch; ++i) {
      msghdr& header = messages_[i].msg_hdr;
      header.msg_name = &clients_[i];
      header.msg_iov = &parts_[i];
      header.msg_iovlen = 1;
    }
  }

  [[noreturn]] void run() {
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event readable{};
    readable.events = EPOLLIN;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, descriptor_, &readable);
    while (true) {
      epoll_event event;
      ::epoll_wait(poll, &event, 1, -1);
      while (echo() == kBatch) {
      }
    }
  }

 private:
  std::size_t echo() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts_[i] = {.iov_base = buffers_[i].data(), .iov_len = kBuffer - grow_};
      messages_[i].msg_hdr.msg_namelen = sizeof clients_[i];
    }
    const int received = ::recvmmsg(descriptor_, messages_.data(), kBatch, 0, nullptr);
    if (received <= 0) return 0;
    const auto count = static_cast<std::size_t>(received);
    for (std::size_t i = 0; i < count; ++i) {
      buffers_[i][2] |= 0x80;
      parts_[i].iov_len = messages_[i].msg_len + grow_;
    }
    ::sendmmsg(descriptor_, messages_.data(), static_cast<unsigned>(count), 0);
    return count;
  }

  int descriptor_;
  unsigned grow_;
  std::array<std::array<std::uint8_t, kBuffer>, kBatch> buffers_{};
  std::array<sockaddr_in, kBatch> clients_{};
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_;
};

Result<> run(const Options& options) {
  for (unsigned i = 0; i < options.workers; ++i) {
    TRY(const int descriptor, open_socket(options.port));
    const pid_t child = ::fork();
    if (child < 0) return fail("fork: {}", std::strerror(errno));
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      Worker(descriptor, options.grow).run();
    }
    ::close(descriptor);
  }
  ::wait(nullptr);
  return fail("a worker ended");
}

}  // namespace
}  // namespace swage::bench

int main(int count, char** arguments) {
  using namespace swage::bench;
  const auto options = parse_options(count, arguments);
  const auto result = options ? run(*options) : swage::Result<>(std::unexpected(options.error()));
  if (!result) fmt::print(stderr, "bench_echo: {}\n", result.error().text());
  return 1;
}
