// Sockets that the service manager has opened and hands to the server it starts (systemd.socket(5), sd_listen_fds(3)):
// what arrives while the server is not there waits in them. In the supervisor.
#pragma once

#include <vector>

#include "core/server/messages.h"

namespace swage::server {

// Those of UDP and TCP; others are closed, with a warning. To be called once, before anything else is opened.
[[nodiscard]] std::vector<message::HeldSocket> activated_sockets();

}  // namespace swage::server
