// Ports that are not dialled for strangers: those of services other than libp2p, which what we say, or the connection
// itself, may harm or alarm. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace swage::dial {

// The service of this TCP port ("SSH"); empty if it may be dialled.
//
// The TCP ports that browsers block (https://fetch.spec.whatwg.org/#port-blocking), and those of
// databases, caches, queues, remote control and administration, as their makers document them. Not here: 80, 443, 4001
// and all else on which nodes listen.
[[nodiscard]] std::string_view reserved_port(std::uint16_t port);

}  // namespace swage::dial
