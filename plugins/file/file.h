// The file plugin: zones from master files. File answers in the dns processes; ZoneService, one a zone, reads the
// file in the service process and publishes the compiled zone.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/dns/zones.h"
#include "core/plugin/follow.h"
#include "core/plugin/plugin.h"
#include "core/shm/snapshot.h"
#include "core/zone/builder.h"
#include "core/zone/view.h"

namespace swage::plugins::file {

struct ServedZone {
  dns::Name apex;                      // lower case
  std::string path;                    // of the zone file
  shm::Snapshot* snapshot;             // the compiled zone
  std::chrono::milliseconds reload;    // how often to look at the file; 0: never
  config::Token directive;             // where the Corefile names it, for errors
  std::vector<dns::Name> fallthrough;  // names in these are the next plugin's where they do not exist
  metrics::Gauge serial{}, loaded{};   // for figures: the SOA's serial, and when it was read (seconds since 1970)
  metrics::Counter failures{};         // of reading it again
  metrics::Gauge stale{};              // 1: the file has changed and cannot be read
  metrics::Gauge signatures{};         // when the first one expires (seconds since 1970); 0: there is none
};

class File : public Plugin {
 public:
  explicit File(const std::vector<ServedZone>& zones);
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  dns::ZoneTable<ServedZone> zones_;
};

class ZoneService : public Service {
 public:
  explicit ZoneService(ServedZone zone)
      : zone_(std::move(zone)), file_("file", {zone_.path}, {.every = zone_.reload}) {}
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;

 private:
  [[nodiscard]] Result<shm::Segment> load() const;
  [[nodiscard]] Result<shm::Segment> load(zone::Builder& builder) const;
  [[nodiscard]] Result<> take(Result<shm::Segment> image) const;
  void announce() const;

  ServedZone zone_;
  FollowedFiles file_;
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::file
