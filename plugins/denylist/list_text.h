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
};

// Format ip: an address or a network in CIDR notation a line. What follows a '#' or ';' is a comment.
[[nodiscard]] ListText parse_addresses(std::string_view text);

// Format url: a URL a line; lines that begin with '#' are comments. Of use are those whose host is an address, or a
// name below one of `forge_zones` (lower case, without a dot at the end) that says one in its first label, as
// "203-0-113-1.PEERID.libp2p.direct"; other names are not looked up. Each address once.
[[nodiscard]] ListText parse_urls(std::string_view text, std::span<const std::string> forge_zones);

// "203-0-113-1" or "2001-db8--1": an address with '-' for '.' or ':'.
[[nodiscard]] std::optional<IpAddress> address_of_label(std::string_view label);

}  // namespace swage::plugins::denylist
