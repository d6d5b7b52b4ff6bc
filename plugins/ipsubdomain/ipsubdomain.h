// The ipsubdomain plugin: addresses of libp2p nodes, computed from names like 203-0-113-1.PEERID.libp2p.direct.
// Stateless; it runs in the dns processes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/denylist/denylist.h"
#include "core/dns/zones.h"
#include "core/plugin/plugin.h"

namespace swage::plugins::ipsubdomain {

struct ForgeZone {
  dns::Name apex;                      // lower case; peers are directly below it
  std::uint32_t ttl = 604800;          // seconds, of the address records
  std::vector<dns::Name> fallthrough;  // lower case; NODATA for names in these only if the next plugin knows nothing
};

// Counts responses under p2p-forge's name for them.
class Responses {
 public:
  Responses() = default;  // counts nothing
  // `registry` outlives this.
  explicit Responses(metrics::Registry& registry);
  void address(dns::Type type) const { table_.at(type == dns::Type::aaaa ? 1 : 0).add(); }
  // `of_peer`: for the peer's own name.
  void no_data(dns::Type type, bool of_peer) const;
  void denied(const denylist::Match& list) const;

 private:
  metrics::Registry* registry_ = nullptr;
  metrics::Counters table_;
  mutable std::vector<std::optional<metrics::Counter>> denied_;  // by the list's place
};

class IpSubdomain : public Plugin {
 public:
  IpSubdomain(std::vector<ForgeZone> zones, denylist::Denylist denylist, Responses responses = {});
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  struct Entry {
    ForgeZone zone;
    std::size_t labels;  // of the apex
  };

  dns::ZoneTable<Entry> zones_;
  denylist::Denylist denylist_;
  Responses responses_;
};

// Metadata: the peer ID and the address in a name, where it has them.
[[nodiscard]] Metadata::Value peer_id_in(const std::vector<dns::Name>& zones);
[[nodiscard]] Metadata::Value address_in(const std::vector<dns::Name>& zones);

// ipsubdomain [ZONES...] { ttl DURATION|SECONDS ; fallthrough [ZONES...] }
[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::ipsubdomain
