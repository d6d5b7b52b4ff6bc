// The file plugin: zones from master files. File answers in the dns processes; ZoneService, one a zone, reads the
// file in the service process and publishes the compiled zone.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/dns/zones.h"
#include "core/plugin/follow.h"
#include "core/plugin/plugin.h"
#include "core/plugin/zone_source.h"
#include "core/shm/snapshot.h"
#include "core/signing/key_settings.h"
#include "core/signing/zone_maker.h"
#include "core/zone/builder.h"
#include "core/zone/view.h"
#include "core/zonemd/zonemd.h"
#include "plugins/file/kept_image.h"
#include "plugins/file/updater.h"

namespace swage::plugins::file {

// What the Corefile says: sign { … }.
struct SigningOptions {
  config::Token directive;  // where it says so
  signing::ZoneSettings settings{};
  signing::KeySettings keys{};
};

struct ServedZone {
  dns::Name apex;                      // lower case
  std::string path;                    // of the zone file
  shm::Snapshot* snapshot;             // the compiled zone
  shm::Snapshot* journal;              // the changes before it (core/zone/journal.h); nullptr: nobody wants them
  std::chrono::milliseconds reload;    // how often to look at the file; 0: never
  config::Token directive;             // where the Corefile names it, for errors
  std::vector<dns::Name> fallthrough;  // names in these are the next plugin's where they do not exist
  zonemd::Policy zonemd{};
  std::string images{};               // the folder where the compiled zone is kept; empty: nowhere
  metrics::Gauge serial{}, loaded{};  // for figures: the SOA's serial, and when it was read (seconds since 1970)
  metrics::Counter failures{};        // of reading it again
  metrics::Gauge stale{};             // 1: the file has changed and cannot be read
  std::shared_ptr<const UpdateOptions> update{};  // none: no dynamic updates
  Fetch* requests = nullptr;                      // where they are handed over
  UpdateFigures updates{};
  metrics::Gauge signatures{};                   // when the first one expires (seconds since 1970); 0: there is none
  std::shared_ptr<const SigningOptions> sign{};  // none: it is served as it is written
  metrics::Counter made_signatures{}, sign_failures{};

  // All that says how the image is made, besides the file.
  [[nodiscard]] std::string kept_name() const;
};

class File : public Plugin, public ZoneSource {
 public:
  explicit File(std::vector<ServedZone> zones);
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
  // Updates, where one of the zones takes them.
  [[nodiscard]] bool sees(dns::MessageKind kind) const override;
  [[nodiscard]] std::optional<ZoneVersion> find(dns::NameView apex) const override;
  void for_each(const std::function<void(const ZoneVersion&)>& visit) const override;
  [[nodiscard]] bool for_each_apex(const std::function<void(dns::NameView apex)>& visit) const override;

 private:
  [[nodiscard]] Result<Outcome> hand_over(const Query& query, Response& response, Next next) const;
  [[nodiscard]] static Result<Outcome> serve_signed(const ServedZone* zone, const Query& query, Response& response);

  std::vector<ServedZone> all_;
  dns::ZoneTable<const ServedZone*> zones_;
};

class ZoneService : public Service {
 public:
  explicit ZoneService(ServedZone zone);
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  // nullptr: it takes no updates.
  [[nodiscard]] Updater* updater() { return updater_.get(); }
  // For a zone that is signed here: signs it when its file has changed, and in time. Ends when the host stops.
  [[nodiscard]] async::Task<Result<>> keep_signed(Host& host);

 private:
  using Loaded = LoadedZone;
  [[nodiscard]] Result<Loaded> load();
  [[nodiscard]] Result<shm::Segment> load_image();
  [[nodiscard]] Result<Loaded> with_updates(shm::Segment image);
  [[nodiscard]] Result<shm::Segment> load(zone::Builder& builder) const;
  [[nodiscard]] Result<Loaded> next_version(shm::Segment image);
  [[nodiscard]] Result<Loaded> sign(std::shared_ptr<const shm::Segment> plain);
  [[nodiscard]] Result<Loaded> with_journal(Loaded loaded) const;
  [[nodiscard]] Result<> publish(Loaded loaded);
  [[nodiscard]] Result<> take(Result<Loaded> loaded);
  // sign.cpp
  void begin_signing();
  void sign_soon(shm::Segment plain);
  void adopt_signed(const Loaded& loaded);
  [[nodiscard]] Result<> keep_published() const;
  [[nodiscard]] async::Task<> sign_again(Host& host);
  [[nodiscard]] async::Task<> wake_at_end(Host& host);
  [[nodiscard]] async::Task<> stop_at_end(Host& host);
  [[nodiscard]] async::Task<> keep_image(Host& host);
  void report_signing(const Result<>& done);
  void announce() const;
  void measure_zone() const;

  ServedZone zone_;
  FollowedFiles file_;
  KeptImage kept_;
  bool is_kept_ = false;  // the image in force is one that was kept
  std::unique_ptr<Updater> updater_;

  // Of a zone that is signed here:
  std::unique_ptr<signing::ZoneMaker> maker_;
  std::shared_ptr<const shm::Segment> plain_;          // what was signed
  std::shared_ptr<const shm::Segment> next_;           // what its file has become, to be signed next
  std::int64_t due_ = 0;                               // when it has to be signed again, seconds since 1970,
  std::int64_t not_before_ = 0;                        // but not before, after an error
  std::shared_ptr<const images::ImageFolder> folder_;  // where the signed zone is kept; nullptr: nowhere
  std::unique_ptr<async::Event> wake_;                 // sooner
  std::string problem_;                                // why it could not be signed, until it could
};

// Signs the zone of a ZoneService.
class SignService : public Service {
 public:
  // REQUIRES: `zone` is signed here, and outlives this.
  explicit SignService(ZoneService& zone) : zone_(zone) {}
  [[nodiscard]] async::Task<Result<>> run(Host& host) override { return zone_.keep_signed(host); }

 private:
  ZoneService& zone_;
};

// Dynamic updates of a zone whose file a ZoneService reads.
class UpdateService : public Service {
 public:
  // REQUIRES: `zone` has an updater, and outlives this.
  explicit UpdateService(ZoneService& zone) : updater_(*zone.updater()) {}
  [[nodiscard]] async::Task<Result<>> run(Host& host) override { return updater_.run(host); }

 private:
  Updater& updater_;
};

// The block of `update`; `zone_file` beside which the journal is. update_setup.cpp
[[nodiscard]] Result<> read_update(Controller& controller, const std::vector<dns::Name>& zones,
                                   const std::string& zone_file, std::optional<UpdateOptions>& update);
[[nodiscard]] UpdateFigures update_figures(metrics::Registry& metrics, const dns::Name& zone);
// The block of `sign`. sign_setup.cpp
[[nodiscard]] Result<> read_sign(Controller& controller, std::shared_ptr<const SigningOptions>& sign);

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::file
