// Clients: the connections of a Server by their clients' networks, and which has to make room when there are too many
// of them or they hold too much. Internal to core/http.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/net.h"

namespace swage::http {

// The network of a client, by its first address: 24 bits of IPv4 (also where it is written as IPv6), 48 of IPv6, which
// is what one customer may easily have.
[[nodiscard]] IpAddress network_of(const IpAddress& client);

// What Clients look at of a connection.
struct Client {
  IpAddress network;
  // Since when it waits for the client: for a request to be there, whole, for a response to be taken, or for the end.
  // nullopt: the client waits for us. As Loop::now().
  std::optional<std::int64_t> waiting_since;
  std::size_t held = 0;  // bytes, of what the client sent
};

class Clients {
 public:
  // REQUIRES: `client` lives until it is removed.
  void add(const Client& client) { networks_[client.network].push_back(&client); }
  void remove(const Client& client);

  [[nodiscard]] std::size_t count(const IpAddress& network) const;
  // The one that has waited longest: of one network; of the network that has most connections, or whose connections
  // hold most. Where all of those are being answered, of the next one. nullptr: nobody waits.
  [[nodiscard]] const Client* longest_waiting(const IpAddress& network) const;
  [[nodiscard]] const Client* longest_waiting_of_most() const;
  [[nodiscard]] const Client* longest_waiting_of_heaviest() const;

 private:
  using Network = std::vector<const Client*>;
  template <typename Weight>
  [[nodiscard]] const Client* longest_waiting_of(Weight weight) const;

  std::map<IpAddress, Network> networks_;
};

}  // namespace swage::http
