// Whose the TCP connections of a process are: how many a client may have, and which one has to go where the process has
// all that it can have. In dns processes.
//
// A client is an IPv4 address or an IPv6 network of 64 bits; networks are those of client_network.h. Where all places
// are taken, the network that has most of them loses the connection that has asked nothing for longest. So a newcomer
// always gets in, and attackers lose their own connections.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>

#include "core/net.h"

namespace swage::server {

class TcpClients {
  struct Network;

 public:
  static constexpr std::uint32_t kMaxOfAClient = 256;

  class Connection {
   public:
    virtual ~Connection() = default;
    // Its place is taken back. REQUIRES of an implementation: closes the connection, and calls remove().
    virtual void evict() = 0;

   private:
    friend TcpClients;
    IpAddress client_;  // as it is counted
    Network* network_ = nullptr;
    std::list<Connection*>::iterator place_;
  };

  // `most`: connections in all; not 0. Without: as many as the process may open, but for some descriptors.
  TcpClients();
  explicit TcpClients(std::size_t most) : most_(most) {}
  TcpClients(const TcpClients&) = delete;
  TcpClients& operator=(const TcpClients&) = delete;

  // False where the client has as many as it may. May evict another connection.
  [[nodiscard]] bool add(Connection& connection, const IpAddress& client);
  // REQUIRES: added.
  void remove(Connection& connection);
  // It is another client's, as it turns out. False, and nothing changes, where that one has as many as it may.
  // REQUIRES: added.
  [[nodiscard]] bool move(Connection& connection, const IpAddress& client);
  // It has asked something. Allocates nothing. REQUIRES: added.
  void touch(Connection& connection);
  // Takes one place back; false where there is no connection.
  bool evict();

  [[nodiscard]] std::size_t count() const { return count_; }
  // True where connections are few enough for the usual idle time.
  [[nodiscard]] bool has_room() const { return count_ <= most_ * 3 / 4; }

 private:
  // A network's place among those that have about as many.
  using Rank = std::list<Network*>;
  struct Network {
    std::list<Connection*> connections;  // the one that has been idle for longest is the first
    Rank::iterator place;
    unsigned rank = 0;
  };
  // To the end of those that have as many, to a factor of two.
  void rank(Network& network);

  std::map<IpAddress, std::uint32_t> clients_;
  std::map<IpAddress, Network> networks_;
  std::array<Rank, 33> ranks_;  // by the binary digits of how many they have; the first was idle for longest
  std::size_t count_ = 0, most_;
};

}  // namespace swage::server
