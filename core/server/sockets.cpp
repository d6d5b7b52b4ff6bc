#include "core/server/sockets.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "core/server/port_owner.h"

namespace swage::server {
namespace {

// Room for what arrives while a worker is being replaced.
constexpr int kReceiveBuffer = 4 << 20;  // bytes
constexpr int kBacklog = 4096;           // connections
// Of a client's connection, each way; Linux doubles it. Left to itself it gives a client that does not read megabytes.
constexpr int kTcpBuffer = 16 << 10;  // bytes

void set(int fd, int level, int option, int value) {
  static_cast<void>(setsockopt(fd, level, option, &value, sizeof value));
}

void set_udp_options(int fd, const Endpoint& endpoint) {
  // SO_RCVBUFFORCE needs CAP_NET_ADMIN; without it, the system's limit (net.core.rmem_max) holds.
  set(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
  set(fd, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer);
  // Forged "fragmentation needed" messages must not make us send fragments: the size of an answer is our own limit.
  if (endpoint.address.is_v6()) {
    set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
  } else {
    set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
  }
  // On a wildcard address each packet has to say which address was asked, for the answer to leave from there.
  if (endpoint.address.is_unspecified()) {
    if (endpoint.address.is_v6()) {
      set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    } else {
      set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    }
  }
}

// Connections inherit all of them.
void set_tcp_options(int fd) {
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_SNDBUF, kTcpBuffer);
  set(fd, SOL_SOCKET, SO_RCVBUF, kTcpBuffer);
}

// The first port that anybody may bind.
int first_free_port() {
  int port = 1024;
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> port;
  return port;
}

// What to do about it.
std::string hint(const Endpoint& endpoint, int type, int error) {
  if (error == EACCES && endpoint.port < first_free_port()) {
    return fmt::format(
        "; ports below {} need the capability CAP_NET_BIND_SERVICE: AmbientCapabilities=CAP_NET_BIND_SERVICE in a unit "
        "of systemd, or `setcap cap_net_bind_service=+ep` on the program, or `sysctl "
        "net.ipv4.ip_unprivileged_port_start={}`",
        first_free_port(), endpoint.port);
  }
  if (error == EADDRINUSE) {
    const std::string owner = port_owner(endpoint, type == SOCK_DGRAM ? Transport::udp : Transport::tcp);
    std::string text = owner.empty() ? "" : ", by " + owner;
    if (endpoint.port == 53 && (owner.empty() || owner.starts_with("systemd-resolve"))) {
      text +=
          "; systemd-resolved listens on 127.0.0.53:53 and 127.0.0.54:53: name the addresses to serve with `bind`, or "
          "say DNSStubListener=no in /etc/systemd/resolved.conf";
    }
    return text;
  }
  if (error == EADDRNOTAVAIL) return "; no interface of this machine has that address";
  if (error == EAFNOSUPPORT && endpoint.address.is_v6()) return "; this machine has no IPv6";
  return "";
}

std::unexpected<Error> cannot_listen(const Endpoint& endpoint, int type) {
  const int error = errno;
  return fail("cannot listen on {} ({}): {}{}", endpoint.to_string(), type == SOCK_DGRAM ? "udp" : "tcp",
              std::strerror(error), hint(endpoint, type, error));
}

// Of a socket that is bound; what was set before may be set again.
Result<> prepare_socket(int fd, const Endpoint& endpoint, int type, Purpose purpose) {
  if (type == SOCK_DGRAM) set_udp_options(fd, endpoint);
  if (type == SOCK_STREAM && purpose == Purpose::queries) set_tcp_options(fd);
  if (type == SOCK_STREAM && ::listen(fd, kBacklog) != 0) return cannot_listen(endpoint, type);
  return {};
}

Result<Descriptor> open_socket(const Endpoint& endpoint, int type, Purpose purpose) {
  const int family = endpoint.address.is_v6() ? AF_INET6 : AF_INET;
  Descriptor socket(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.exists()) return cannot_listen(endpoint, type);
  const int fd = socket.get();
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (endpoint.address.is_v6()) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  sockaddr_storage address;
  const socklen_t size = endpoint.to_sockaddr(address);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0) return cannot_listen(endpoint, type);
  TRY(prepare_socket(fd, endpoint, type, purpose));
  return socket;
}

bool shares_address(int fd) {
  int shares = 0;
  socklen_t size = sizeof shares;
  return getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shares, &size) == 0 && shares != 0;
}

// As many as there are workers, of which some are open already.
Result<> complete(std::vector<Descriptor>& sockets, const Endpoint& endpoint, int type, std::size_t workers) {
  if (sockets.size() > workers) sockets.resize(workers);
  for (const Descriptor& given : sockets) TRY(prepare_socket(given.get(), endpoint, type, Purpose::queries));
  const bool one_for_all = !sockets.empty() && !shares_address(sockets.front().get());
  while (sockets.size() < workers) {
    TRY(Descriptor socket, one_for_all ? sockets.front().duplicate() : open_socket(endpoint, type, Purpose::queries));
    sockets.push_back(std::move(socket));
  }
  return {};
}

}  // namespace

Result<> check_free(const Endpoint& endpoint, Transports transports, Objections objections) {
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    if (type == SOCK_DGRAM && transports == Transports::tcp) continue;
    const Descriptor socket(::socket(endpoint.address.is_v6() ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0));
    if (!socket.exists() && objections == Objections::all) return cannot_listen(endpoint, type);
    if (!socket.exists()) continue;
    if (endpoint.address.is_v6()) set(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    // Connections of an earlier run that linger do not count; a listener does.
    if (type == SOCK_STREAM) set(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    sockaddr_storage address;
    const socklen_t size = endpoint.to_sockaddr(address);
    if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 &&
        (errno == EADDRINUSE || objections == Objections::all)) {
      return cannot_listen(endpoint, type);
    }
  }
  return {};
}

bool has_ipv6() {
  const Descriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.exists()) return false;
  const Endpoint any{IpAddress::v6(std::array<std::uint8_t, 16>{}), 0, 0};
  sockaddr_storage address;
  const socklen_t size = any.to_sockaddr(address);
  return bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 ||
         (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT);
}

Result<> open_sockets(const Endpoint& endpoint, std::size_t workers, Transports transports, SocketSet& set) {
  CHECK(endpoint.port != 0);
  if (transports == Transports::udp_and_tcp) TRY(complete(set.udp, endpoint, SOCK_DGRAM, workers));
  return complete(set.tcp, endpoint, SOCK_STREAM, workers);
}

Result<SocketSet> open_sockets(const Endpoint& endpoint, std::size_t workers) {
  SocketSet set;
  TRY(open_sockets(endpoint, workers, Transports::udp_and_tcp, set));
  return set;
}

Result<Descriptor> open_tcp_socket(const Endpoint& endpoint, Descriptor given) {
  CHECK(endpoint.port != 0);
  if (given.exists()) {
    TRY(prepare_socket(given.get(), endpoint, SOCK_STREAM, Purpose::services));
    return given;
  }
  return open_socket(endpoint, SOCK_STREAM, Purpose::services);
}

}  // namespace swage::server
