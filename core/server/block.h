// A server block of the Corefile, set up: its zones and what answers for them. Made by configure(), used in dns
// processes.
#pragma once

#include <memory>
#include <vector>

#include "core/plugin/plugin.h"

namespace swage::server {

struct Block {
  std::vector<dns::Name> zones;                        // lower case
  std::vector<std::unique_ptr<const Plugin>> chain;    // in chain order; ends with a nullptr
  std::vector<std::unique_ptr<const Filter>> filters;  // which queries it takes; none: all
  std::vector<std::unique_ptr<const Observer>> observers;
  std::vector<IpAddress> addresses;  // of `bind`; none: all addresses of the machine
  TcpLimits tcp;                     // of `timeouts`
  bool accepts_chaos = false;
  bool reports_ready = false;  // ready
  Metadata metadata;
  bool unsure = false;  // something is wrong with it that others depend on: what follows from that is not told
};

}  // namespace swage::server
