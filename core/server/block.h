// A server block of the Corefile, set up: its zones and what answers for them. Made by configure(), used in dns
// processes.
#pragma once

#include <memory>
#include <vector>

#include "core/plugin/plugin.h"

namespace swage::server {

struct Block {
  ServerBlock settings;
  std::vector<ChainEntry> chain;                       // in chain order; ends with an entry without a plugin
  std::vector<std::unique_ptr<const Filter>> filters;  // which queries it takes; none: all
  std::vector<std::unique_ptr<const Observer>> observers;
  bool unsure = false;  // something is wrong with it that others depend on: what follows from that is not told
};

}  // namespace swage::server
