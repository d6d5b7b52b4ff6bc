// SecondaryZone: a zone that is transferred from its primaries, kept, and confirmed from time to time (RFC 1035 section
// 4.3.5, RFC 1996, RFC 5936 section 6). In the service process.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/async/event.h"
#include "core/async/task.h"
#include "core/crypto/random.h"
#include "core/plugin/service.h"
#include "core/transfer/client.h"
#include "core/zone/change.h"
#include "plugins/secondary/budget.h"
#include "plugins/secondary/published.h"
#include "plugins/secondary/schedule.h"
#include "plugins/secondary/settings.h"
#include "plugins/secondary/store.h"

namespace swage::plugins::secondary {

class SecondaryZone {
 public:
  // `settings` and `budget` outlive it.
  SecondaryZone(const Settings& settings, Budget& budget, dns::Name apex, std::unique_ptr<Published> published,
                Figures figures, Store::Files files = Store::Files::any)
      : settings_(settings),
        budget_(budget),
        apex_(apex),
        published_(std::move(published)),
        store_(settings.folder, files),
        figures_(figures) {}
  SecondaryZone(const SecondaryZone&) = delete;
  SecondaryZone& operator=(const SecondaryZone&) = delete;

  // Takes its file in the folder, where there is one. An Error where another zone has it, the name is too long or, for
  // Store::Files::own, the file is not one of ours.
  [[nodiscard]] Result<> claim();
  // Gives it back: the zone is gone, while the process goes on.
  void give_back();
  // What there is without a primary: the version of the configuration before, or of the folder. Blocks.
  void load();
  // Until the Service is to stop.
  [[nodiscard]] async::Task<> run(Host& host);
  // The zone may have changed, says one of its primaries (RFC 1996): it is asked soon. Bounded: one check at a time.
  void notify(const IpAddress& from);

  [[nodiscard]] const dns::Name& apex() const { return apex_; }
  [[nodiscard]] const Published& published() const { return *published_; }
  // Whether it is there, or the primaries were asked for it at least once.
  [[nodiscard]] bool was_tried() const { return tried_ || soa_.has_value(); }
  [[nodiscard]] bool is_loaded() const { return soa_.has_value(); }
  [[nodiscard]] bool has_expired() const { return expired_; }
  [[nodiscard]] Store& store() { return store_; }
  // Called after each new version was published.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

 private:
  using Received = std::unique_ptr<transfer::Receiver>;

  [[nodiscard]] Result<> load_from_folder(std::int64_t now);
  void take_over(const SoaTimes& soa, std::int64_t confirmed);
  [[nodiscard]] async::Task<bool> check(async::Loop& loop);
  [[nodiscard]] Result<transfer::Primary> primary(const Endpoint& at) const;
  [[nodiscard]] async::Task<Result<>> ask(async::Loop& loop, transfer::Primary primary);
  [[nodiscard]] async::Task<Result<>> transfer_from(async::Loop& loop, transfer::Primary primary, bool incremental);
  [[nodiscard]] Result<> compile(transfer::Receiver& received, Bytes before);
  [[nodiscard]] Result<> compile_changes(std::span<const zone::Change> changes, Bytes before);
  [[nodiscard]] async::Task<> save(async::Loop& loop);
  void confirm();
  bool expire_if_old();  // whether it has
  [[nodiscard]] std::chrono::milliseconds watch_expiry();
  void say_failure(const std::string& problem);
  [[nodiscard]] std::vector<Endpoint> primaries_in_order() const;
  [[nodiscard]] std::chrono::milliseconds until_expiry() const;
  [[nodiscard]] double random();

  const Settings& settings_;
  Budget& budget_;
  const dns::Name apex_;
  const std::unique_ptr<Published> published_;
  Store store_;
  const Figures figures_;
  crypto::SystemRandom random_;
  std::function<void()> changed_;

  std::optional<SoaTimes> soa_;         // of the version in force; none: there is none
  std::int64_t confirmed_ = 0;          // seconds since 1970
  std::optional<std::uint32_t> saved_;  // the serial of the version in the folder
  bool tried_ = false, expired_ = false;
  unsigned failures_ = 0;                      // in a row
  std::string problem_;                        // that was said and is not over
  std::string not_kept_;                       // why the folder does not have the version in force, as it was said
  std::optional<async::Event> woken_;          // while it runs
  bool is_compiling_ = false;                  // on another thread, with the version in force
  std::string file_;                           // that it has claimed
  Confirmed::Place place_ = Confirmed::kNone;  // where there is no file
  bool notified_ = false;
  std::optional<IpAddress> notified_by_;
};

}  // namespace swage::plugins::secondary
