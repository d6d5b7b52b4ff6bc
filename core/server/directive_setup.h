// Runs the setup() of the directives of a server block. Of use to configure() only.
#pragma once

#include <span>
#include <vector>

#include "core/config/errors.h"
#include "core/config/parser.h"
#include "core/config/sources.h"
#include "core/plugin/plugin.h"
#include "core/server/configuration.h"

namespace swage::server {

// What configure() was given.
struct Given {
  const config::Sources& sources;
  std::span<const PluginType> plugins;
  std::uint16_t default_port;
};

// The wildcard addresses.
[[nodiscard]] std::vector<IpAddress> everywhere();

// Whether a socket at one keeps those who want to listen at the other from it. (Sockets of IPv6 take no IPv4.)
[[nodiscard]] bool overlap(const Endpoint& a, const Endpoint& b);

// In the order of the chain. Errors of one directive keep none of the others from being told. The block is left unsure
// where something is wrong that others depend on.
void run_setups(const config::ServerBlock& source, const Given& given, Block& block, Configuration& configuration,
                config::Errors& errors);

}  // namespace swage::server
