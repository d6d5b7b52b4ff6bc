#include "tests/support/notify_socket.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

namespace swage::tests {

NotifySocket::NotifySocket(std::chrono::seconds patience)
    : path_(folder_.file("notify")), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  CHECK(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const timeval time{patience.count(), 0};
  CHECK(setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0);
}

std::string NotifySocket::told() const {
  std::string text(1000, '\0');
  const ssize_t size = recv(socket_.get(), text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return text;
}

}  // namespace swage::tests
