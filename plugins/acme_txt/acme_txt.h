// The acme-txt plugin: TXT records for the ACME DNS-01 challenges of libp2p nodes. AcmeTxt answers from the challenge
// store (core/forge/challenge_store.h) in the dns processes; ChallengeService sees to the store's memory in the service
// process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/forge/challenge_keeper.h"
#include "core/forge/challenge_store.h"
#include "core/plugin/plugin.h"
#include "core/plugin/report.h"

namespace swage::plugins::acme_txt {

// Milliseconds since 1970, to 4 ms: read from memory that the kernel shares, without a system call, in about 5 ns.
[[nodiscard]] std::int64_t coarse_time();
// Milliseconds of CLOCK_BOOTTIME, which goes on while the machine sleeps; in about 25 ns.
[[nodiscard]] std::int64_t boot_time();

// Asked for every query that is answered from the store: whichever the store's table has (core/shm/clock.h).
inline constexpr shm::Clocks kClocks{.wall = &coarse_time, .boot = &boot_time};

struct Settings {
  std::vector<dns::Name> zones;  // lower case; peers are directly below them
  std::uint32_t ttl = 10;        // seconds
  std::optional<std::string> placeholder = "not set yet";
  metrics::Counters responses{};  // see count_responses()
  metrics::Counter fenced{};      // responses that were SERVFAIL because of the fence
  const Fetch* fetch = nullptr;   // where peers are asked for that the store does not remember (remembered.h)
};

// Counts responses under p2p-forge's name for them.
[[nodiscard]] metrics::Counters count_responses(metrics::Registry& registry);

class AcmeTxt : public Plugin {
 public:
  AcmeTxt(Settings settings, forge::ChallengeStore store, shm::Clocks clocks)
      : settings_(std::move(settings)), store_(store), clocks_(clocks) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  [[nodiscard]] const dns::Name* zone_of(const Query& query) const;
  [[nodiscard]] Result<Outcome> serve_peer(const Query& query, Response& response, Next next, Bytes multihash,
                                           const dns::Name& zone) const;
  [[nodiscard]] Result<Outcome> serve_own(const Query& query, Response& response, Next next) const;
  enum class Looked { found, fenced, later };
  [[nodiscard]] Result<Looked> look(const Query& query, Bytes key, forge::Challenges& values) const;
  [[nodiscard]] Outcome refuse_fenced(Response& response) const;

  Settings settings_;
  forge::ChallengeStore store_;
  shm::Clocks clocks_;
};

class ChallengeService : public Service, public Reporter {
 public:
  ChallengeService(std::string zone, forge::ChallengeKeeper keeper, shm::Clocks clocks)
      : zone_(std::move(zone)), keeper_(std::move(keeper)), clocks_(clocks) {}
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  [[nodiscard]] bool ready() const override { return prepared_; }
  void measure() override;
  void report(Report& report, Report::Topic topic) override;
  // Has measure() say how many peers have a value, and how many may.
  void show(shm::Shared& memory, metrics::Gauge live, metrics::Gauge capacity);

 private:
  std::string zone_;
  forge::ChallengeKeeper keeper_;
  shm::Clocks clocks_;
  shm::Shared* memory_ = nullptr;
  metrics::Gauge live_, capacity_;
  std::int64_t measured_ = 0;  // when, by CLOCK_BOOTTIME
  bool prepared_ = false;
};

// acme-txt [ZONES...] { store memory [PATH] [capacity N] | store etcd URL... { … } ; ttl DURATION ; lifetime DURATION ;
// placeholder TEXT|off }
[[nodiscard]] Result<> setup(Controller& controller);
[[nodiscard]] Result<> setup_with(Controller& controller, shm::Clocks clocks);

}  // namespace swage::plugins::acme_txt
