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

namespace swage::plugins::acme_txt {

// Milliseconds since 1970. Called for every query that is answered from the store.
using Clock = std::int64_t (*)();
// The system's, to 4 ms: read from memory that the kernel shares, without a system call, in about 5 ns.
[[nodiscard]] std::int64_t coarse_time();

struct Settings {
  std::vector<dns::Name> zones;  // lower case; peers are directly below them
  std::uint32_t ttl = 10;        // seconds
  std::optional<std::string> placeholder = "not set yet";
  metrics::Counters responses{};  // see count_responses()
};

// Counts responses under p2p-forge's name for them.
[[nodiscard]] metrics::Counters count_responses(metrics::Registry& registry);

class AcmeTxt : public Plugin {
 public:
  AcmeTxt(Settings settings, forge::ChallengeStore store, Clock clock)
      : settings_(std::move(settings)), store_(store), clock_(clock) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  [[nodiscard]] const dns::Name* zone_of(const Query& query) const;

  Settings settings_;
  forge::ChallengeStore store_;
  Clock clock_;
};

class ChallengeService : public Service {
 public:
  ChallengeService(std::string zone, forge::ChallengeKeeper keeper, Clock clock)
      : zone_(std::move(zone)), keeper_(std::move(keeper)), clock_(clock) {}
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  [[nodiscard]] bool ready() const override { return prepared_; }
  void measure() override;
  // Has measure() say how many peers have a value, and how many may.
  void show(shm::Shared& memory, metrics::Gauge live, metrics::Gauge capacity);

 private:
  std::string zone_;
  forge::ChallengeKeeper keeper_;
  Clock clock_;
  shm::Shared* memory_ = nullptr;
  metrics::Gauge live_, capacity_;
  std::int64_t measured_ = 0;  // when
  bool prepared_ = false;
};

// acme-txt [ZONES...] { store memory [PATH] [capacity N] ; ttl DURATION ; lifetime DURATION ; placeholder TEXT|off }
[[nodiscard]] Result<> setup(Controller& controller);
[[nodiscard]] Result<> setup_with(Controller& controller, Clock clock);

}  // namespace swage::plugins::acme_txt
