// Which program has an address that the server wants: for the operator who meets "Address already in use".
#pragma once

#include <string>

#include "core/net.h"
#include "core/server/sockets.h"

namespace swage::server {

// "systemd-resolve (pid 512)", of the first that has the address, or one that includes it; empty where that cannot be
// found out, as without root of another user's. Reads /proc.
[[nodiscard]] std::string port_owner(const Endpoint& endpoint, Transport transport);

}  // namespace swage::server
