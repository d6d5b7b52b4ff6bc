// Finds the server block of a query: the one with the longest zone that the name is in, among the blocks of one
// listener.
#pragma once

#include <cstdint>
#include <vector>

#include "core/dns/query.h"
#include "core/dns/zones.h"
#include "core/server/block.h"

namespace swage::server {

class Router {
 public:
  struct Match {
    const Block* block = nullptr;  // nullptr: the name is in no zone
    dns::NameView zone;
  };

  // Blocks of the same zone are asked in the order in which they were added. False where one without filters is there
  // already, and `block` has none either. `zone` (lower case) and `block` must outlive the router.
  [[nodiscard]] bool add(dns::NameView zone, const Block& block);

  // True where `zone` (lower case) itself, not one above it, leads to `block`.
  [[nodiscard]] bool serves(dns::NameView zone, const Block& block) const;

  // Looks at no more labels of the name than the longest zone has. The DS records of a zone are its parent's (RFC 4035
  // section 3.1.4.1): for QTYPE DS the zone of that very name gives way to one above it, if there is one.
  [[nodiscard]] Match match(const Query& query) const;

  // For this listener.
  TcpLimits tcp;
  Scheme scheme = Scheme::dns;
  const TlsSettings* tls = nullptr;    // where the scheme is not dns
  const ProxyPolicy* proxy = nullptr;  // what is done with headers of the PROXY protocol; nullptr: there are none

 private:
  struct Entry {
    Match match;
    std::uint32_t next = 0;  // 1 + the index of the next block of the same zone; 0: none
  };
  struct NextBlock {
    const Block* block;
    std::uint32_t next;
  };

  [[nodiscard]] bool add_next(Entry& entry, const Block& block);
  [[nodiscard]] const Block* accepting(const Entry& entry, const Query& query) const;

  dns::ZoneTable<Entry> zones_;
  bool filtered_ = false;        // some block has a filter
  std::vector<NextBlock> next_;  // further blocks of a zone already in the table
};

}  // namespace swage::server
