// Who a request is from where proxies are in between: X-Forwarded-For, which each proxy appends its client to.
#pragma once

#include <span>
#include <vector>

#include "core/http/message.h"
#include "core/net.h"

namespace swage::http {

// From `connection` on, and then through the entries of all X-Forwarded-For fields from right to left, the first
// address that is no trusted proxy's; where all are trusted, the leftmost. An entry may have a port: "192.0.2.1:80",
// "[2001:db8::1]:80", and spaces around it. One that is not an address ends the walk: what is left of it was vouched
// for by nobody; then the address before it counts. IPv4-mapped IPv6 is IPv4 everywhere.
[[nodiscard]] IpAddress client_address(const IpAddress& connection, const Fields& fields,
                                       std::span<const Prefix> trusted);

// Every address that the X-Forwarded-For fields name, in order, whoever vouches for it, in any form that somebody might
// read as one (written_address.h). For refusals alone: a client can add to this list, but not take from it.
[[nodiscard]] std::vector<IpAddress> forwarded_addresses(const Fields& fields);

// True where `address` is in one of `networks`. IPv4-mapped IPv6 is IPv4, in both.
[[nodiscard]] bool is_in(std::span<const Prefix> networks, const IpAddress& address);

}  // namespace swage::http
