// ZoneSource: the zones that a plugin serves, for others of its server block that do something with whole zones:
// *transfer* sends them, *catalog* lists them. Beside the contract (core/plugin/plugin.h).
//
//     controller.block().zone_sources.push_back(plugin.get());   // a plugin that serves zones, in setup()
//
//     for (const ZoneSource* source : block.zone_sources) {      // one that looks for them, in serve() or run()
//       if (const auto zone = source->find(query.key)) …
//     }
#pragma once

#include <functional>
#include <optional>

#include "core/dns/name.h"
#include "core/shm/snapshot.h"

namespace swage {

// A version of a zone. It stays what it is as long as somebody has a copy of this.
struct ZoneVersion {
  shm::Held image;    // for zone::View (core/zone/view.h)
  shm::Held journal;  // for zone::Journal (core/zone/journal.h); no bytes: there is none
};

class ZoneSource {
 public:
  virtual ~ZoneSource() = default;
  // The zone with exactly this apex, in lower case, as it is in force now; nothing where there is none, or it cannot be
  // served now (not loaded, expired). In dns processes and the service process.
  [[nodiscard]] virtual std::optional<ZoneVersion> find(dns::NameView apex) const = 0;
  // All of them. What `visit` does with them must not change them.
  virtual void for_each(const std::function<void(const ZoneVersion& zone)>& visit) const = 0;
  // The apexes, in lower case, of all zones that it is there to serve, also of those that cannot be served now. False
  // where it cannot tell all of them yet: those of a folder that was never read, say. In the service process.
  [[nodiscard]] virtual bool for_each_apex(const std::function<void(dns::NameView apex)>& visit) const {
    static_cast<void>(visit);
    return false;
  }
};

}  // namespace swage
