// The secondary plugin: zones that are transferred from primaries. Secondary answers in the dns processes;
// SecondaryService keeps the zones of a server block in the service process, and publishes them.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/dns/zones.h"
#include "core/plugin/plugin.h"
#include "core/plugin/zone_source.h"
#include "core/shm/snapshot.h"
#include "plugins/secondary/catalog.h"
#include "plugins/secondary/settings.h"
#include "plugins/secondary/zone.h"

namespace swage::plugins::secondary {

// A zone that the Corefile names.
struct ServedZone {
  std::shared_ptr<const Settings> settings;
  dns::Name apex;  // lower case
  shm::Snapshot* snapshot;
  shm::Snapshot* journal;  // the changes before it; nullptr: nobody wants them
};

// A catalog of zones.
struct ServedCatalog {
  std::shared_ptr<const Settings> settings;
  dns::Name apex;          // lower case
  shm::Snapshot* members;  // MemberSet
};

class Secondary : public Plugin, public ZoneSource {
 public:
  Secondary(const std::vector<ServedZone>& zones, std::vector<ServedCatalog> catalogs, const Fetch& notified,
            metrics::Counters notifies);

  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
  [[nodiscard]] bool sees(dns::MessageKind kind) const override {
    return kind == dns::MessageKind::query || kind == dns::MessageKind::notify;
  }
  [[nodiscard]] std::optional<ZoneVersion> find(dns::NameView apex) const override;
  void for_each(const std::function<void(const ZoneVersion& zone)>& visit) const override;
  [[nodiscard]] bool for_each_apex(const std::function<void(dns::NameView apex)>& visit) const override;

 private:
  // A zone that is, or ought to be, served here.
  struct Found {
    dns::NameView apex;
    const Settings* settings;
    Bytes image;  // or what stands in its place
  };
  [[nodiscard]] std::optional<Found> authority(const Query& query) const;
  [[nodiscard]] std::optional<Found> exactly(dns::NameView apex) const;
  [[nodiscard]] const Settings* settings_for_notify(dns::NameView apex) const;
  [[nodiscard]] Result<Outcome> take_notify(const Query& query, Response& response, Next next) const;

  dns::ZoneTable<ServedZone> zones_;
  std::vector<ServedCatalog> catalogs_;
  const Fetch& notified_;
  metrics::Counters notifies_;
};

class SecondaryService : public Service {
 public:
  // `memory`: Budget::kMemory. Both outlive it.
  SecondaryService(Fetch& notified, shm::Shared& memory);

  // Before prepare().
  void add(const ServedZone& zone, const Figures& figures) { named_.push_back({zone, figures}); }
  void add(const ServedCatalog& catalog, const Figures& figures, const CatalogFigures& of_catalog) {
    named_catalogs_.push_back({catalog, figures, of_catalog});
  }

  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  // The zones were asked for once, whether that worked or not: one primary that is away keeps nobody waiting.
  [[nodiscard]] bool ready() const override;
  void measure() override;

 private:
  // What the Corefile names.
  struct Named {
    ServedZone zone;
    Figures figures;
  };
  struct NamedCatalog {
    ServedCatalog catalog;
    Figures figures;
    CatalogFigures of_catalog;
  };
  template <typename Zone>
  struct Kept {
    std::shared_ptr<const Settings> settings;
    std::unique_ptr<Zone> zone;
  };
  void make_zones();
  void take_notify(const std::string& key);

  Fetch& notified_;
  shm::Shared& memory_;
  std::shared_ptr<Budget> budget_;  // from prepare() on
  std::vector<Named> named_;
  std::vector<NamedCatalog> named_catalogs_;
  std::vector<Kept<SecondaryZone>> zones_;
  std::map<dns::Name, SecondaryZone*> by_name_;
  Catalog::Owners owners_;  // outlives the catalogs
  std::vector<Kept<Catalog>> catalogs_;
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::secondary
