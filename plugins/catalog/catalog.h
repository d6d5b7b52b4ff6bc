// The catalog plugin: a catalog zone (RFC 9432) of the zones that a server block serves. CatalogService makes it in the
// service process; Catalogs answers for it in the dns processes, and gives it to *transfer*.
#pragma once

#include <string>
#include <vector>

#include "core/plugin/plugin.h"
#include "core/plugin/zone_source.h"
#include "core/shm/snapshot.h"
#include "plugins/catalog/contents.h"

namespace swage::plugins::catalog {

struct Figures {
  metrics::Gauge members{}, serial{};
};

struct ServedCatalog {
  Contents contents;
  shm::Snapshot* image;    // for zone::View
  shm::Snapshot* journal;  // the changes before it (core/zone/journal.h)
};

class Catalogs : public Plugin, public ZoneSource {
 public:
  explicit Catalogs(std::vector<ServedCatalog> catalogs) : catalogs_(std::move(catalogs)) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
  [[nodiscard]] std::optional<ZoneVersion> find(dns::NameView apex) const override;
  void for_each(const std::function<void(const ZoneVersion& zone)>& visit) const override;
  // None: a catalog is not a member of any.
  [[nodiscard]] bool for_each_apex(const std::function<void(dns::NameView apex)>&) const override { return true; }

 private:
  std::vector<ServedCatalog> catalogs_;
};

class CatalogService : public Service {
 public:
  // `block`: of the directive; it outlives the service.
  CatalogService(const ServerBlock& block, ServedCatalog catalog, const Figures& figures)
      : block_(block), catalog_(std::move(catalog)), figures_(figures) {}
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  [[nodiscard]] bool ready() const override { return looked_; }

  // Looks at the zones; what is new is published. For run() and tests. An Error is said by the caller.
  [[nodiscard]] async::Task<Result<>> look(async::Loop& loop);

 private:
  struct Made {
    std::optional<shm::Segment> image{}, journal{};  // none: as it was
  };
  [[nodiscard]] bool is_as_before() const;
  [[nodiscard]] Result<std::vector<std::string>> list() const;
  [[nodiscard]] Result<Made> make(const std::vector<std::string>& members, std::uint32_t now) const;
  [[nodiscard]] Result<> publish(Made made);
  void report(const Result<>& looked);

  const ServerBlock& block_;
  const ServedCatalog catalog_;
  const Figures figures_;
  std::vector<std::string> seen_;  // the members, in wire format and lower case, as the sources named them last
  std::string problem_;            // that was said and is not over
  bool looked_ = false;
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::catalog
