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

// What a configuration is made of, beside the server block at hand.
struct Inputs {
  const config::Sources& sources;
  std::span<const PluginType> plugins;
  std::uint16_t default_port;
};

// Whether a socket at one prevents listening at the other. (Sockets of IPv6 take no IPv4.)
[[nodiscard]] bool overlap(const Endpoint& a, const Endpoint& b);

// Of a key that names none.
[[nodiscard]] std::uint16_t default_port(Scheme scheme, const Inputs& inputs);

// What a server block says before its directives have said anything; `zones` are to come.
[[nodiscard]] ServerBlock settings_of(const config::ServerBlock& source, const Inputs& inputs, WholeServer& server);

// In the order of the chain. Errors of one directive keep none of the others from being told. The block is left unsure
// where something is wrong that others depend on.
void run_setups(const config::ServerBlock& source, const Inputs& inputs, Block& block, Configuration& configuration,
                config::Errors& errors);

}  // namespace swage::server
