// What a directive *secondary* says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/config/token.h"
#include "core/dns/name.h"
#include "core/metrics/handles.h"
#include "core/net.h"
#include "core/transfer/receiver.h"
#include "core/tsig/key.h"
#include "plugins/secondary/schedule.h"

namespace swage::plugins::secondary {

struct Settings {
  config::Token directive;
  std::vector<Endpoint> primaries;
  std::optional<IpAddress> source;   // our address; none: as the system finds
  dns::Name key;                     // that transfers are signed with (RFC 8945); the root: they are not
  const tsig::Keys* keys = nullptr;  // where it is found
  std::string folder;                // where zones are kept; empty: nowhere
  std::string view;                  // of the server block: other zones may have the same names
  Bounds refresh;
  transfer::Limits limits;
  bool catalog = false;                // the zones are catalogs (RFC 9432)
  std::vector<dns::Name> fallthrough;  // names in these are the next plugin's where they do not exist
};

// Of a zone.
struct Figures {
  metrics::Gauge serial{}, confirmed{};  // confirmed: seconds since 1970
  metrics::Gauge expire{};               // after so many seconds without confirmation it does
  metrics::Gauge expired{};              // 1: it is not served, for no primary has confirmed it in time
  metrics::Gauge signatures{};           // when the first signature expires, seconds since 1970; 0: there is none
  metrics::Counter transfers{};          // that succeeded
  metrics::Counter failures{};           // times that no primary could be asked
};

}  // namespace swage::plugins::secondary
