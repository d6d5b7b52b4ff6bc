// Opening the sockets on which queries arrive. Done by the supervisor alone, which keeps them for its children.
#pragma once

#include <cstdint>
#include <vector>

#include "core/descriptor.h"
#include "core/net.h"

namespace swage::server {

enum class Transport : std::uint8_t { udp, tcp };

// What listens at an address.
enum class Purpose : std::uint8_t {
  queries,   // dns processes: a UDP socket or a TCP listener each
  services,  // a Service: a TCP listener
  streams,   // dns processes: TCP listeners alone
};

// The sockets of one address: for each dns process a UDP socket or a listening TCP socket, all with SO_REUSEPORT, so
// that the kernel spreads clients over the processes.
struct SocketSet {
  std::vector<Descriptor> udp, tcp;  // as many of each; no UDP sockets where there are streams alone
};

// Fails where another program has the address, of those transports. open_sockets() would not notice: with SO_REUSEPORT
// two servers of the same user share an address, and each gets a part of the queries. To be asked before any socket of
// ours is open on that port.
enum class Transports : std::uint8_t { udp_and_tcp, tcp };
// Whatever else keeps it from being had is open_sockets()'s to say, unless `objections` are all asked for.
enum class Objections : std::uint8_t { in_use, all };
[[nodiscard]] Result<> check_free(const Endpoint& endpoint, Transports transports = Transports::udp_and_tcp,
                                  Objections objections = Objections::in_use);

// Whether [::] can be listened on: a kernel may have no IPv6, and a sandbox may keep it away.
[[nodiscard]] bool has_ipv6();

// Binds `workers` sockets of each kind, those that `set` does not have yet; where those that it has do not share their
// address (SO_REUSEPORT), all workers have the first one. Port 0 is not allowed: they would not share one. An Error
// says which address, why, and what to do: "cannot listen on 127.0.0.1:53 (udp): Address already in use, by dnsmasq
// (pid 512)".
[[nodiscard]] Result<> open_sockets(const Endpoint& endpoint, std::size_t workers, Transports transports,
                                    SocketSet& set);
[[nodiscard]] Result<SocketSet> open_sockets(const Endpoint& endpoint, std::size_t workers);

// A listening TCP socket: the one that is `given`, where there is one. Port 0 is not allowed: a process that takes
// another's place would have another port.
[[nodiscard]] Result<Descriptor> open_tcp_socket(const Endpoint& endpoint, Descriptor given = Descriptor());

}  // namespace swage::server
