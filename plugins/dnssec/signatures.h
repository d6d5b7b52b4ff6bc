// Signatures: makes RRSIGs while answering, and remembers them. Each dns process writes a table of its own, and reads
// those of all others: what one has signed the others need not sign. Internal to this folder; in dns processes.
//
// What other processes' tables say is not believed: all of an RRSIG but its times and its signature is compared with
// what it has to be. A dns process that has been taken over can so have others send a signature that is not valid,
// which validators refuse, and no worse.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/dns/query.h"
#include "core/dns/response.h"
#include "core/dnssec/rrsig.h"
#include "core/metrics/handles.h"
#include "core/result.h"
#include "core/shm/answer_table.h"
#include "plugins/dnssec/budget.h"
#include "plugins/dnssec/zone_in_force.h"

namespace swage::plugins::dnssec {

// What of a dns process is counted.
struct Counts {
  metrics::Counter hits, misses, signatures, over_budget;
};

class Signatures {
 public:
  struct Settings {
    std::size_t capacity = 10'000;  // signatures that are remembered, about
    std::uint32_t budget = 0;       // signatures a second; 0: an eighth of the time
    Counts counts{};
  };

  explicit Signatures(const Settings& settings);

  // When a signature is asked for, and by whom.
  struct Moment {
    std::int64_t now = 0;       // seconds since 1970
    std::int64_t received = 0;  // nanoseconds, steady clock
    bool may_wait = false;      // over TCP: it is made whatever is left of the budget
  };
  // The data of the RRSIG of what is in signer(), in `arena`; nothing where the budget is used up. REQUIRES:
  // signer().set() was called since.
  [[nodiscard]] Result<std::optional<Bytes>> rrsig(const SigningKey& key, shm::AnswerKind kind, const Moment& moment,
                                                   dns::Arena& arena);
  [[nodiscard]] swage::dnssec::RrsetSigner& signer() { return signer_; }

  // Bytes of a table.
  [[nodiscard]] static std::size_t table_size(std::size_t capacity);
  // The tables of this process, which is all 0 when it is first seen and its own for as long as it lives, and of all.
  void use(MutableBytes own, const std::vector<Bytes>& all);

 private:
  using Id = std::array<std::uint8_t, 16>;
  [[nodiscard]] std::optional<Bytes> find(const Id& id, const SigningKey& key, shm::AnswerKind kind, std::int64_t now,
                                          dns::Arena& arena);
  [[nodiscard]] std::optional<Bytes> find_in(const shm::AnswerTable& table, const Id& id, const SigningKey& key,
                                             std::int64_t now, dns::Arena& arena) const;
  void remember(const Id& id, shm::AnswerKind kind, Bytes rrsig);

  Settings settings_;
  Budget budget_;
  swage::dnssec::RrsetSigner signer_;
  swage::dnssec::ValidityPolicy policy_;
  shm::AnswerTableWriter writer_;
  MutableBytes own_;
  const std::vector<Bytes>* all_ = nullptr;
};

}  // namespace swage::plugins::dnssec
