#include "core/upstream/udp.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/async/event.h"
#include "core/descriptor.h"

namespace swage::upstream {
namespace {

constexpr unsigned kMostForeign = 64;  // datagrams: then it is asked where nothing can be forged
constexpr int kReadsATurn = 8;

// Reads until there is a reply.
struct Receiver {
  const Asked& asked;
  int fd;
  async::Event& done;
  Reply reply{};
  int error = 0;
  unsigned foreign = 0;
  std::array<std::uint8_t, 4096> buffer{};  // what we offer to take is less

  void read() {
    for (int i = 0; i < kReadsATurn && !done.is_set(); ++i) {
      const ssize_t size = recv(fd, buffer.data(), buffer.size(), 0);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) return;
      if (size < 0) {
        error = errno;
        return done.set();
      }
      take(Bytes(buffer).first(static_cast<std::size_t>(size)));
    }
  }

  void take(Bytes received) {
    const Verdict verdict = asked.judge(received);
    if (verdict == Verdict::foreign && ++foreign < kMostForeign) return;
    reply.verdict = verdict;
    reply.message.assign(received.begin(), received.end());
    done.set();
  }
};

}  // namespace

Result<Descriptor> connected_udp(const Endpoint& to, const std::optional<IpAddress>& from) {
  Descriptor socket(::socket(to.address.is_v6() ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.exists()) return fail("socket: {}", std::strerror(errno));
  sockaddr_storage address{};
  if (from) {
    const socklen_t size = Endpoint{.address = *from}.to_sockaddr(address);
    if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
      return fail("from {}: {}", from->to_string(), std::strerror(errno));
    }
  }
  const socklen_t size = to.to_sockaddr(address);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    return fail("{}", std::strerror(errno));
  }
  return socket;
}

async::Task<Result<Reply>> ask_udp(async::Loop& loop, Endpoint to, std::optional<IpAddress> from, const Asked& asked,
                                   std::chrono::milliseconds time) {
  const Result<Descriptor> socket = connected_udp(to, from);
  if (!socket) co_return fail("{}: {}", to.to_string(), socket.error().text());
  if (::send(socket->get(), asked.message().data(), asked.message().size(), MSG_NOSIGNAL) < 0) {
    co_return fail("{}: {}", to.to_string(), std::strerror(errno));
  }
  async::Event done(loop);
  Receiver receiver{asked, socket->get(), done};
  const auto read = [&receiver] { receiver.read(); };
  const async::Poll poll(loop, socket->get(), read);
  const bool in_time = co_await async::wait_for(done, time);
  if (!in_time) co_return fail("{}: no answer", to.to_string());
  if (receiver.error != 0) co_return fail("{}: {}", to.to_string(), std::strerror(receiver.error));
  co_return std::move(receiver.reply);
}

}  // namespace swage::upstream
