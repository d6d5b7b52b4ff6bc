#include "core/server/activation.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>

#include "core/log.h"

namespace swage::server {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr long kMaxSockets = 1024;

int count() {
  const char* const process = std::getenv("LISTEN_PID");
  const char* const number = std::getenv("LISTEN_FDS");
  if (process == nullptr || number == nullptr || process != std::to_string(getpid())) return 0;
  return static_cast<int>(std::clamp(std::strtol(number, nullptr, 10), 0L, kMaxSockets));
}

std::optional<message::HeldSocket> inspect(Descriptor socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  int type = 0;
  socklen_t type_size = sizeof type;
  if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 ||
      (address.ss_family != AF_INET && address.ss_family != AF_INET6) || (type != SOCK_DGRAM && type != SOCK_STREAM)) {
    return std::nullopt;
  }
  fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  fcntl(socket.get(), F_SETFL, fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
  return message::HeldSocket{type == SOCK_DGRAM ? Transport::udp : Transport::tcp,
                             Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&address)), std::move(socket)};
}

}  // namespace

std::vector<message::HeldSocket> activated_sockets() {
  std::vector<message::HeldSocket> sockets;
  const int last = kFirst + count();
  for (int fd = kFirst; fd < last; ++fd) {
    if (auto socket = inspect(Descriptor(fd))) {
      sockets.push_back(*std::move(socket));
    } else {
      log::warning("descriptor {} of the service manager is no UDP or TCP socket: it is not used", fd);
    }
  }
  for (const char* const name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) unsetenv(name);
  return sockets;
}

}  // namespace swage::server
