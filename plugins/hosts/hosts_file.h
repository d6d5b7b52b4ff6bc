// Reads hosts files (hosts(5)): on each line an address and its names; '#' begins a comment.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "plugins/hosts/hosts_builder.h"

namespace swage::plugins::hosts {

// What was left out of a file, for the log.
struct LeftOut {
  std::size_t count = 0;
  unsigned line = 0;  // of the first
  std::string why;    // of the first
};

// An address as hosts files have it: "fe80::1%lo0" is fe80::1, "::ffff:192.0.2.1" is 192.0.2.1. nullopt where it is
// none.
[[nodiscard]] std::optional<IpAddress> parse_host_address(std::string_view text);

// Adds all entries of `text`. As in CoreDNS nothing in it is an error: what is no address, or no name, is left out.
// Fails only where there is too much.
[[nodiscard]] Result<LeftOut> read_hosts(std::string_view text, HostsBuilder& into);

// A file of at most 1 GiB as a whole. An Error says "FILE: why".
[[nodiscard]] Result<std::string> read_whole_file(const std::string& path);

}  // namespace swage::plugins::hosts
