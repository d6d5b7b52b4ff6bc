// Keeper: the Service that gets a certificate by ACME and renews it, for a broker say: the file Settings::path() is
// always there or, at first, not yet; who uses it follows it. The CA's dns-01 challenge goes into acme-txt's store, so
// all nameservers that have the store answer it. One process at a time has an order, of all that share the folder, and
// of all servers that share the store. In the service process.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/acme/issuance.h"
#include "core/certificates/settings.h"
#include "core/certificates/state.h"
#include "core/crypto/random.h"
#include "core/forge/challenge_store.h"
#include "core/http/fetcher.h"
#include "core/metrics/registry.h"
#include "core/plugin/report.h"
#include "core/plugin/service.h"

namespace swage::certificates {

struct Measures {
  metrics::Counters orders{};  // by what came of them: 0 ok, 1 failed
  metrics::Gauge failures{};   // in a row
  metrics::Gauge renewal{};    // when it is due, seconds since 1970; 0: there is none
  metrics::Gauge expiry{};

  [[nodiscard]] static Measures of(metrics::Registry& registry, const std::string& domain);
};

class Keeper : public Service, public Reporter {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // `challenges` is acme-txt's memory.
  Keeper(Settings settings, shm::Shared& challenges, Measures measures)
      : settings_(std::move(settings)), store_(challenges), measures_(measures), state_(settings_) {}
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  void report(Report& report, Report::Topic topic) override;

 private:
  [[nodiscard]] async::Task<Milliseconds> look(async::Loop& loop);
  [[nodiscard]] async::Task<Milliseconds> order(async::Loop& loop);
  [[nodiscard]] std::int64_t due(const Stored& stored) const;
  [[nodiscard]] Milliseconds until_due(const Stored& stored) const;
  void show(const Stored& stored);

  [[nodiscard]] async::Task<> ask_when(async::Loop& loop, const crypto::Issued& issued);
  [[nodiscard]] async::Task<Result<acme::RenewalInfo>> ask_ca(async::Loop& loop, std::string id);

  [[nodiscard]] async::Task<Milliseconds> admitted();
  [[nodiscard]] async::Task<acme::Action> issue(async::Loop& loop, Stored& stored);
  [[nodiscard]] async::Task<acme::Action> issue(async::Loop& loop, Keys& keys, acme::Plan plan, OrderRecord& record);
  [[nodiscard]] async::Task<Result<>> publish(async::Loop& loop, acme::Publish what);
  [[nodiscard]] async::Task<Result<acme::Reply>> send(http::Fetcher& fetcher, acme::Ask ask);
  [[nodiscard]] http::Fetcher::Settings fetcher_settings() const;

  [[nodiscard]] async::Task<Milliseconds> failed(async::Loop& loop, Stored stored, acme::Failure failure);
  void report(const std::string& problem);

  const Settings settings_;
  forge::ChallengeStore store_;
  const Measures measures_;
  const State state_;
  crypto::SystemRandom random_;

  std::optional<acme::RenewalInfo> suggested_;  // by the CA, for the certificate with this renewal_id
  std::string suggested_for_;
  bool hurried_ = false;        // the certificate is there because the CA wanted the one before renewed early
  std::int64_t ask_again_ = 0;  // when, nanoseconds of the loop's time
  std::string problem_;         // that was said and is not over
  std::int64_t expiry_ = 0, renewal_ = 0;  // of the certificate that there is, seconds since 1970
  bool looked_ = false;                    // whether there is one is known
};

}  // namespace swage::certificates
