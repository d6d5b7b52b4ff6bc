// ClientCount: how many connections each client's network has. Internal to core/http.
#pragma once

#include <cstddef>
#include <map>

#include "core/net.h"

namespace swage::http {

// The network of a client, by its first address: 24 bits of IPv4 (also where it is written as IPv6), 48 of IPv6, which
// is what one customer may easily have.
[[nodiscard]] IpAddress network_of(const IpAddress& client);

// For each network, how many connections there are.
class ClientCount {
 public:
  explicit ClientCount(std::size_t most) : most_(most) {}

  // False where the client's network has as many as it may.
  [[nodiscard]] bool add(const IpAddress& client);
  // REQUIRES: was added.
  void remove(const IpAddress& client);

 private:
  std::size_t most_;
  std::map<IpAddress, std::size_t> networks_;
};

}  // namespace swage::http
