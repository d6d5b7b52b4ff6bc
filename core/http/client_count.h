// ClientCount: how many connections each client's network has. Internal to core/http.
#pragma once

#include <cstddef>
#include <map>

#include "core/net.h"

namespace swage::http {

// A network is 24 bits of IPv4, 48 of IPv6: what one customer may easily have.
[[nodiscard]] IpAddress network_of(const IpAddress& client);

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
