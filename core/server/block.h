// A server block of the Corefile, set up: its zones and what answers for them. Made by configure(), used in dns
// processes.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/plugin/plugin.h"

namespace swage::server {

struct Block {
  ServerBlock settings;
  std::vector<std::unique_ptr<const Plugin>> plugins;  // in chain order
  // For each kind of message the plugins that see it, in chain order; ends with an entry without a plugin.
  std::array<std::vector<ChainEntry>, dns::kMessageKinds> chains;
  std::vector<std::unique_ptr<const Filter>> filters;  // which queries it takes; none: all
  std::vector<std::unique_ptr<const Observer>> observers;
  bool unsure = false;  // something is wrong with it that others depend on: what follows from that is not told

  // REQUIRES: `kind` is query.kind().
  [[nodiscard]] Next chain(dns::MessageKind kind) const { return Next(chains[static_cast<std::size_t>(kind)].data()); }
};

}  // namespace swage::server
