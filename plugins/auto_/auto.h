// The auto plugin: zones from all files of a folder, those that come and go while the server runs too. Auto
// answers in the dns processes; AutoService looks at the folder in the service process and publishes all its zones as
// one snapshot: a FlatMap of their images by name, of the changes before them where somebody wants these and, for the
// process that takes this one's place, of the paths of all files, also of those that cannot be loaded. (The folder's
// name ends in '_' because auto is a word of C++.)
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/file_stamp.h"
#include "core/plugin/plugin.h"
#include "core/plugin/zone_source.h"
#include "core/shm/flat_map.h"
#include "core/zone/builder.h"
#include "plugins/auto_/file_names.h"

namespace swage::plugins::auto_ {

// Where the zone files are, the directive that says so, and figures.
struct Folder {
  std::string path;
  config::Token directive;
  metrics::Gauge zones{}, failed{};  // that are served; files that cannot be loaded
  metrics::Gauge signatures{};       // when the first one of all zones expires (seconds since 1970); 0: there is none
};

class Auto : public Plugin, public ZoneSource {
 public:
  Auto(std::vector<dns::Name> zones, const shm::Snapshot& snapshot) : zones_(std::move(zones)), snapshot_(snapshot) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
  [[nodiscard]] std::optional<ZoneVersion> find(dns::NameView apex) const override;
  void for_each(const std::function<void(const ZoneVersion&)>& visit) const override;
  [[nodiscard]] bool for_each_apex(const std::function<void(dns::NameView apex)>& visit) const override;

 private:
  [[nodiscard]] Bytes authority(const Query& query) const;

  const std::vector<dns::Name> zones_;
  const shm::Snapshot& snapshot_;
};

class AutoService : public Service {
 public:
  // `with_journals`: somebody wants the changes of zones (core/zone/journal.h).
  AutoService(Folder folder, FileNames names, std::chrono::milliseconds reload, shm::Snapshot& snapshot,
              bool with_journals)
      : source_(std::move(folder)),
        folder_(source_.path),
        names_(std::move(names)),
        reload_(reload),
        snapshot_(snapshot),
        with_journals_(with_journals) {}
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;

 private:
  static constexpr std::size_t kMaxZones = 100'000;

  struct ZoneFile {
    std::string path;
    FileStamp stamp;                      // as it was read, whether that worked or not
    std::vector<std::uint64_t> image{};   // just compiled; empty: what is published, if anything, stays
    bool failed = false;                  // the last time it was read
    std::vector<std::uint8_t> journal{};  // beside `image`
  };
  using ZoneFiles = std::map<std::string, ZoneFile>;  // by origin, in wire format and lower case
  struct Scan {
    ZoneFiles files;
    std::optional<shm::Segment> set{};  // nullopt: nothing has changed
  };
  void take_over();
  [[nodiscard]] Result<Scan> scan();
  [[nodiscard]] Result<ZoneFiles> list();
  [[nodiscard]] Result<std::vector<std::string>> find_files(ZoneFiles& kept);
  void keep_files_below(const std::string& folder, ZoneFiles& kept) const;
  [[nodiscard]] Result<shm::Segment> make_set(const ZoneFiles& files) const;
  [[nodiscard]] static Result<> load(ZoneFile& file, zone::Builder& builder);
  void load(const std::string& origin, ZoneFile& file) const;
  void say_errors(const zone::Builder& builder, const Error& error, const dns::Name& apex, bool was_served) const;
  [[nodiscard]] Result<> take(Result<Scan> scanned);
  void complain(const std::string& text);
  void complain_of_folder(const Error& error);
  void count() const;

  Folder source_;
  const std::string& folder_;  // its path
  FileNames names_;
  std::chrono::milliseconds reload_;
  shm::Snapshot& snapshot_;
  bool with_journals_;
  ZoneFiles files_;
  std::set<std::string> complaints_, complaints_before_;  // of this look and the one before, which are not said again
  bool published_ = false;                                // by this process
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::auto_
