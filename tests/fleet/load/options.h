// The command line of fleet_load.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/net.h"
#include "core/result.h"

namespace swage::fleet {

struct Options {
  std::vector<Endpoint> brokers, nameservers;
  IpAddress nodes;          // of the first node; the others have the addresses after it
  std::uint32_t first = 0;  // registration, and node
  std::uint32_t count = std::numeric_limits<std::uint32_t>::max();
  double seconds = 1e9;  // no registration begins later
  std::size_t at_once = 16;
  std::size_t tries = 1;  // of a registration
  bool check = true;      // ask the nameservers after each 200
  bool verify = false;    // do nothing but ask
  std::string zone = "libp2p.direct", host = "registration.libp2p.direct";
};

// --brokers A:P,… --nameservers A:P,… --nodes A [--first N] [--count N] [--seconds N] [--at-once N] [--tries N]
// [--no-check] [--verify]
[[nodiscard]] Result<Options> read_options(int argc, char** argv);

}  // namespace swage::fleet
