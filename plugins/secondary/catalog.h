// Catalog: a catalog zone (RFC 9432), and the zones that are its members, as secondaries with the same primaries. They
// come and go with it. In the service process.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "core/async/tasks.h"
#include "plugins/secondary/catalog_zone.h"
#include "plugins/secondary/member_set.h"
#include "plugins/secondary/zone.h"

namespace swage::plugins::secondary {

struct CatalogFigures {
  metrics::Gauge members{};  // that are served, or are to be
  metrics::Gauge missing{};  // of them, those that have never been transferred, or have expired
  metrics::Gauge broken{};   // 1: the last version of the catalog is broken, and the one before is in force
};

class Catalog {
 public:
  // What all catalogs of a server block know of each other.
  struct Owners {
    std::map<dns::Name, Catalog*> members;  // who has it
    std::vector<Catalog*> catalogs;
    std::function<bool(const dns::Name&)> is_explicit;  // the Corefile has it as a secondary
  };

  Catalog(std::shared_ptr<const Settings> settings, Budget& budget, dns::Name apex, shm::Snapshot& set, Owners& owners,
          const Figures& figures, const CatalogFigures& catalog_figures);
  ~Catalog();
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  // As those of SecondaryZone; of the members, too. The second one publishes them.
  [[nodiscard]] Result<> claim() { return zone_.claim(); }
  [[nodiscard]] Result<> load();
  [[nodiscard]] async::Task<> run(Host& host);
  // False where the zone is neither the catalog nor a member.
  bool notify(const dns::Name& zone, const IpAddress& from);
  [[nodiscard]] bool was_tried() const;
  void measure() const;
  [[nodiscard]] const SecondaryZone& zone() const { return zone_; }

 private:
  struct Member {
    std::string id;
    std::unique_ptr<SecondaryZone> zone;
    std::unique_ptr<async::Tasks> running;  // destroyed first
  };
  void take_version();
  void apply();
  void add(const dns::Name& name, const CatalogMember& member);
  [[nodiscard]] bool may_have(const dns::Name& name, const CatalogMember& member, shm::Held& before);
  [[nodiscard]] async::Task<> remove_files(Host& host);
  void drop(std::map<dns::Name, Member>::iterator member, bool keep_file);
  void pass_over(const dns::Name& name, std::string_view why);

  const std::shared_ptr<const Settings> settings_;
  Budget& budget_;
  Owners& owners_;
  const CatalogFigures figures_;
  MemberSet set_;
  SecondaryZone zone_;
  CatalogMembers wanted_;  // of the last version that was not broken
  std::map<dns::Name, Member> members_;
  std::set<std::string> complaints_, complaints_before_;  // what was said of wanted_, and before
  Host* host_ = nullptr;                                  // while it runs
};

}  // namespace swage::plugins::secondary
