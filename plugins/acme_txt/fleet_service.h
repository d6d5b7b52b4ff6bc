// FleetService: sees to the memory of a challenge store that several servers share, in the service process: what is in
// it is the fleet's (core/fleet), by way of etcd. ChallengeService's counterpart.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/crypto/random.h"
#include "core/etcd/client.h"
#include "core/fleet/etcd_engine.h"
#include "core/fleet/fleet.h"
#include "core/fleet/measures.h"
#include "core/forge/challenge_keeper.h"
#include "core/plugin/follow.h"
#include "core/plugin/plugin.h"
#include "core/plugin/report.h"
#include "plugins/acme_txt/fleet_settings.h"

namespace swage::plugins::acme_txt {

// Where nothing was before, dns processes get the table at once, and it is fenced until this server is a member: the
// server answers everything else although there is no etcd. After a crash, or at a reload, they go on with the table of
// the process before, which is a member of its own or past its fence soon, until this one is a member.
class FleetService : public Service, public Reporter {
 public:
  FleetService(std::string zone, FleetSettings settings, forge::ChallengeMemory memory, shm::Clocks clocks,
               fleet::Measures measures)
      : zone_(std::move(zone)),
        settings_(std::move(settings)),
        memory_(memory),
        clocks_(clocks),
        measures_(measures),
        password_files_("acme-txt", {settings_.password_file}, {.every = kFollow, .watch_folder = true}) {}

  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  [[nodiscard]] bool ready() const override { return is_idle_ || (fleet_ != nullptr && fleet_->is_valid()); }
  void measure() override;
  void report(Report& report, Report::Topic topic) override;
  // As ChallengeService::show().
  void show(metrics::Gauge live, metrics::Gauge capacity);

 private:
  [[nodiscard]] forge::ChallengeWriter* writer() const;
  [[nodiscard]] Result<> make_table();
  [[nodiscard]] Result<> put_in_force();
  void take_over_memory_store();
  [[nodiscard]] etcd::Settings etcd_settings() const;
  [[nodiscard]] std::string root() const;
  [[nodiscard]] async::Task<bool> prepared(Host& host);
  [[nodiscard]] async::Task<> follow_password(Host& host, fleet::EtcdEngine& engine);
  [[nodiscard]] async::Task<> stop_in_time(Host& host, async::Event& stop);
  [[nodiscard]] bool may_go(Host& host, std::int64_t stopping_since);

  const std::string zone_;
  const FleetSettings settings_;
  forge::ChallengeMemory memory_;
  const shm::Clocks clocks_;
  const fleet::Measures measures_;
  static constexpr std::chrono::milliseconds kFollow{10'000};
  FollowedFiles password_files_;
  crypto::SystemRandom random_;
  bool prepared_ = false;
  bool is_idle_ = false;  // another server block's service does it
  std::string password_;
  shm::Segment made_;          // the table, until it is the store
  shm::Mapping memory_store_;  // what was the store before, where that was this server's alone
  fleet::Fleet* fleet_ = nullptr;
  std::optional<std::int64_t> successor_since_;  // nanoseconds of the loop's time
  metrics::Gauge live_, capacity_;
  std::int64_t measured_ = 0;  // when, by CLOCK_BOOTTIME
};

}  // namespace swage::plugins::acme_txt
