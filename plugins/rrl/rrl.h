// rrl: response rate limiting, as BIND has it: how many answers of a kind a network of clients gets in a second over
// UDP. In every dns process; counted over all of them (core/rates/rate_table.h).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/plugin/plugin.h"
#include "core/prefix_set.h"
#include "core/rates/rate_log.h"
#include "core/rates/rate_table.h"

namespace swage::plugins::rrl {

// What a response, or a request, counts as.
enum class Class : std::uint8_t { response, nodata, nxdomain, referral, error, request };
inline constexpr std::size_t kClasses = 6;

struct Settings {
  std::vector<dns::Name> zones;
  std::array<std::uint32_t, kClasses> rates{};  // a second; 0: any number
  std::uint32_t window = 15;                    // seconds
  std::uint8_t v4_bits = 24, v6_bits = 56;      // of a network of clients
  std::uint32_t slip = 2;                       // of so many that are limited one is answered with TC; 0: none
  std::size_t accounts = 100'000;
  bool report_only = false;
  PrefixSet exempt;
};

struct Account {
  Class counts_as;
  dns::NameView name;  // responses to this name count together; the root for errors and requests
  std::uint16_t type = 0;
};
[[nodiscard]] Account account_of(const Query& query, const Response& response);

class Rrl : public Plugin {
 public:
  // `secrets`: of the server, with the key of hashes.
  Rrl(Settings settings, const shm::Snapshot& secrets, shm::WorkerMemory& memory, metrics::Counters limited);

  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
  [[nodiscard]] bool sees(dns::MessageKind) const override { return true; }
  [[nodiscard]] const PrefixSet& exempt() const { return settings_.exempt; }

 private:
  [[nodiscard]] bool is_limited(const Query& query) const;
  [[nodiscard]] bool allows(const Query& query, const Account& account) const;
  [[nodiscard]] Outcome limit(Class counts_as, Response& response) const;
  void say(const Query& query, const Account& account, std::uint64_t network, std::uint32_t second) const;

  Settings settings_;
  const shm::Snapshot& secrets_;
  metrics::Counters limited_;
  mutable rates::RateTable table_;
  mutable rates::RateLog log_;
  mutable std::uint32_t slipped_ = 0;
};

// rrl [ZONES...] { … }, rrl off
Result<> setup(Controller& controller);

}  // namespace swage::plugins::rrl
