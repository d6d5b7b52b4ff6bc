// The dnssec plugin: signs while answering. Dnssec does, in dns processes; KeyService reads the keys in the service
// process, signs the keys' own RRsets and publishes them.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "core/dns/zones.h"
#include "core/dnssec/zone_keys.h"
#include "core/plugin/plugin.h"
#include "core/signing/key_settings.h"
#include "plugins/dnssec/answer_signer.h"
#include "plugins/dnssec/signatures.h"
#include "plugins/dnssec/zone_in_force.h"

namespace swage::plugins::dnssec {

// A zone that is signed, and where its keys are published.
struct SignedZone {
  dns::Name apex;  // lower case
  shm::Snapshot* snapshot;
};

class Dnssec : public Plugin {
 public:
  // `memory`: for signatures; of this one alone.
  Dnssec(const std::vector<SignedZone>& zones, const Signatures::Settings& settings, shm::WorkerMemory& memory);
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  [[nodiscard]] Result<Outcome> serve_keys(const ZoneInForce& zone, const Query& query, Response& response,
                                           Next next) const;
  [[nodiscard]] Result<Outcome> sign(const ZoneInForce& zone, const Query& query, Response& response, Next next) const;

  // Of the one thread that serves.
  dns::ZoneTable<std::unique_ptr<ZoneInForce>> zones_;
  mutable Signatures signatures_;
  mutable Scratch scratch_;
  shm::WorkerMemory& memory_;
};

class KeyService : public Service {
 public:
  // `zones`: those that it publishes.
  KeyService(signing::KeySettings settings, const std::vector<SignedZone>& zones, config::Token directive);
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  [[nodiscard]] bool ready() const override;

 private:
  struct Zone {
    SignedZone place;
    std::string keys{};            // what was published: description_of()
    std::int64_t next_change = 0;  // of the keys, seconds since 1970; 0: never
    std::int64_t renew_at = 0;     // the signatures of the keys
    bool ready = false;
  };
  struct Read {
    swage::dnssec::ZoneKeys keys;
    std::vector<std::string> warnings;
  };

  [[nodiscard]] Result<Read> read(const Zone& zone, std::int64_t now) const;
  [[nodiscard]] Result<> take(Zone& zone, const Result<Read>& read, std::int64_t now);
  [[nodiscard]] bool is_due(const Zone& zone, std::int64_t now) const;

  signing::KeySettings settings_;
  config::Token directive_;
  std::vector<Zone> zones_;
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::dnssec
