// Many queries to one server at a time, for tests that ask tens of thousands.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "tests/support/dns_client.h"

namespace swage::tests {

// The answers to `queries`, at the places of their queries; nothing where none came. Over UDP what is not answered is
// sent again, for datagrams get lost where a machine is busy. REQUIRES: at most 256 queries, whose ids are their
// places.
[[nodiscard]] std::vector<std::optional<Packet>> ask_all_udp(const UdpClient& client, std::span<const Packet> queries);
// The same in one TCP connection.
[[nodiscard]] std::vector<std::optional<Packet>> ask_all_tcp(const Endpoint& server, std::span<const Packet> queries);

}  // namespace swage::tests
