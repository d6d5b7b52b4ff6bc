// Ports that are not dialled for strangers: those of services that no libp2p node is, and that what we say, or that we
// connect at all, may harm or alarm. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace swage::dial {

// What is at home on this TCP port ("SSH"); empty: it may be dialled.
//
// Of the ports that browsers connect to for nobody (https://fetch.spec.whatwg.org/#port-blocking), those of TCP; and of
// databases, caches, queues, remote control and administration, as their makers document them. Not here: 80, 443, 4001
// and all else on which nodes listen.
[[nodiscard]] std::string_view reserved_port(std::uint16_t port);

}  // namespace swage::dial
