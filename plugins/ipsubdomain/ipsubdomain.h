// The ipsubdomain plugin: addresses of libp2p nodes, computed from names like 203-0-113-1.PEERID.libp2p.direct.
// Stateless; it runs in the dns processes.
#pragma once

#include <cstdint>
#include <vector>

#include "core/denylist/denylist.h"
#include "core/plugin.h"

namespace swage::plugins::ipsubdomain {

struct ForgeZone {
  dns::Name apex;                      // lower case; peers are directly below it
  std::uint32_t ttl = 604800;          // seconds, of the address records
  std::vector<dns::Name> fallthrough;  // lower case; NODATA for names in these only if the next plugin knows nothing
};

class IpSubdomain : public Plugin {
 public:
  IpSubdomain(std::vector<ForgeZone> zones, denylist::Denylist denylist);
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  struct Entry {
    ForgeZone zone;
    std::size_t labels;  // of the apex
  };
  [[nodiscard]] const Entry* find(const Query& query) const;

  std::vector<Entry> zones_;  // those with more labels first
  denylist::Denylist denylist_;
};

// ipsubdomain [ZONES...] { ttl DURATION|SECONDS ; fallthrough [ZONES...] }
[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::ipsubdomain
