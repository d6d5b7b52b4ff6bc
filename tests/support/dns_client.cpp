#include "tests/support/dns_client.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>
#include <algorithm>

#include <cerrno>

#include "core/result.h"

namespace swage::tests {
namespace {

using Clock = std::chrono::steady_clock;

int open_socket(const Endpoint& server, int type) {
  const int socket = ::socket(server.address.is_v6() ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
  CHECK(socket >= 0);
  return socket;
}

bool connect_to(int socket, const Endpoint& server) {
  sockaddr_storage address;
  const socklen_t length = server.to_sockaddr(address);
  return connect(socket, reinterpret_cast<const sockaddr*>(&address), length) == 0;
}

bool readable(int socket, Milliseconds deadline) {
  pollfd ready{.fd = socket, .events = POLLIN, .revents = 0};
  return poll(&ready, 1, static_cast<int>(std::max<Milliseconds::rep>(deadline.count(), 0))) == 1;
}

Milliseconds until(Clock::time_point end) { return std::chrono::ceil<Milliseconds>(end - Clock::now()); }

}  // namespace

UdpClient::UdpClient(const Endpoint& server) : socket_(open_socket(server, SOCK_DGRAM)) {
  CHECK(connect_to(socket_, server));
}

UdpClient::~UdpClient() { close(socket_); }

void UdpClient::send(Bytes packet) const {
  // An error here is an ICMP message about an earlier packet: the wait for the answer shows it.
  [[maybe_unused]] const ssize_t sent = ::send(socket_, packet.data(), packet.size(), 0);
}

std::optional<Packet> UdpClient::receive(Milliseconds deadline) const {
  if (!readable(socket_, deadline)) return {};
  Packet packet(65536);
  const ssize_t got = recv(socket_, packet.data(), packet.size(), 0);
  if (got < 0) return {};
  packet.resize(static_cast<std::size_t>(got));
  return packet;
}

TcpClient::TcpClient(const Endpoint& server) : socket_(open_socket(server, SOCK_STREAM)) {
  const int yes = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  connected_ = connect_to(socket_, server);
}

TcpClient::~TcpClient() { close(socket_); }

bool TcpClient::send_raw(Bytes bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool TcpClient::send(Bytes packet) const { return send_raw(framed(packet)); }

void TcpClient::finish() const { shutdown(socket_, SHUT_WR); }

bool TcpClient::fill(Milliseconds deadline) {
  if (ended_ || !readable(socket_, deadline)) return false;
  const std::size_t used = buffer_.size();
  buffer_.resize(used + 65536);
  const ssize_t got = recv(socket_, buffer_.data() + used, buffer_.size() - used, 0);
  ended_ = got <= 0;
  buffer_.resize(used + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return !ended_;
}

std::optional<Packet> TcpClient::receive(Milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  const auto complete = [this] { return buffer_.size() >= 2 && buffer_.size() >= 2U + load_u16(buffer_.data()); };
  while (!complete()) {
    if (!fill(until(end))) return {};
  }
  const auto after = buffer_.begin() + 2 + load_u16(buffer_.data());
  Packet packet(buffer_.begin() + 2, after);
  buffer_.erase(buffer_.begin(), after);
  return packet;
}

bool TcpClient::closed_within(Milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  while (!ended_ && until(end).count() > 0) static_cast<void>(fill(until(end)));
  return ended_;
}

Packet framed(Bytes packet) {
  Packet result(2 + packet.size());
  store_u16(result.data(), static_cast<std::uint16_t>(packet.size()));
  std::ranges::copy(packet, result.begin() + 2);
  return result;
}

std::optional<Packet> ask_udp(const Endpoint& server, Bytes query, Milliseconds deadline) {
  const UdpClient client(server);
  client.send(query);
  return client.receive(deadline);
}

std::optional<Packet> ask_tcp(const Endpoint& server, Bytes query, Milliseconds deadline) {
  TcpClient client(server);
  if (!client.connected() || !client.send(query)) return {};
  return client.receive(deadline);
}

}  // namespace swage::tests
