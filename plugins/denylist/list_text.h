// What lists of addresses look like, in files and feeds: text of one of two formats. No I/O.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/net.h"

namespace swage::plugins::denylist {

struct ListText {
  std::vector<Prefix> entries;          // in the order of the lines
  std::size_t lines = 0;                // that are neither empty nor comments
  std::size_t unusable = 0;             // of those, that are not of the format
  std::size_t first_unusable_line = 0;  // counted from 1; 0: none
  std::size_t wide = 0;                 // networks that are too_wide()
  std::size_t first_wide_line = 0;
  std::string first_wide;  // as it is written
};

// How many of the Internet's addresses a list may have that others write: networks from /8 on, of IPv6 from /16 on, as
// registries hand them out; of all addresses of IPv4 a quarter, of IPv6 as many as a /12 has, the share of one of five
// registries. Addresses that are nobody's (0.0.0.0/8, multicast, reserved; all of IPv6 but 2000::/3) do not count.
[[nodiscard]] bool too_wide(const Prefix& network);
[[nodiscard]] bool has_too_much(const std::vector<Prefix>& networks);

// Format ip: an address or a network in CIDR notation a line. What follows a '#' or ';' is a comment. Networks that are
// too wide are counted, and left out where `wide` says so.
enum class Wide : bool { leave_out, take };
[[nodiscard]] ListText parse_addresses(std::string_view text, Wide wide = Wide::take);

// Format url: a URL a line; lines that begin with '#' are comments. Of use are those whose host is an address, or a
// name below one of `forge_zones` (lower case, without a dot at the end) that says one in its first label, as
// "203-0-113-1.PEERID.libp2p.direct"; other names are not looked up. Each address once.
[[nodiscard]] ListText parse_urls(std::string_view text, std::span<const std::string> forge_zones);

// "203-0-113-1" or "2001-db8--1": an address with '-' for '.' or ':'.
[[nodiscard]] std::optional<IpAddress> address_of_label(std::string_view label);

}  // namespace swage::plugins::denylist
