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

// Reads a hosts file as it comes, in pieces of any size, and keeps no more of it than a line. As in CoreDNS nothing in
// it is an error: what is not an address, or not a name, is left out, and so is a line of more than kMaxLine bytes.
class HostsReader {
 public:
  static constexpr std::size_t kMaxLine = std::size_t{64} << 10;  // bytes

  // REQUIRES: `into` outlives it.
  explicit HostsReader(HostsBuilder& into) : into_(into) {}

  // Fails only where there are too many entries: "LINE: why".
  [[nodiscard]] Result<> feed(std::string_view piece);
  // The end of the file, whose last line may have no end of its own. Call once.
  [[nodiscard]] Result<LeftOut> finish();

 private:
  [[nodiscard]] Result<> end_line(std::string_view line);
  void leave_out(std::string why);

  HostsBuilder& into_;
  LeftOut left_out_;
  unsigned number_ = 1;
  std::string line_;       // what came of the line that has not ended
  bool too_long_ = false;  // it has more bytes, which are not kept
};

// Adds all entries of `text`, as a HostsReader.
[[nodiscard]] Result<LeftOut> read_hosts(std::string_view text, HostsBuilder& into);

// The same of a file of at most 1 GiB. Errors are "FILE: why" or "FILE:LINE: why".
[[nodiscard]] Result<LeftOut> read_hosts_file(const std::string& path, HostsBuilder& into);

}  // namespace swage::plugins::hosts
