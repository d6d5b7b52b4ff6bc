// Notifier: tells secondaries of new versions of zones (RFC 1996), over UDP. In the service process.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/crypto/random.h"
#include "core/plugin/plugin.h"
#include "core/plugin/zone_source.h"
#include "core/tsig/tsig.h"
#include "plugins/transfer/outbox.h"
#include "plugins/transfer/rules.h"

namespace swage::plugins::transfer {

struct NotifyCounts {
  metrics::Counter sent{}, acknowledged{}, declined{}, unanswered{};
};

class Notifier : public Service {
 public:
  // `block`: of the directive; it outlives the service.
  Notifier(const ServerBlock& block, std::vector<Rule> rules, const NotifyCounts& counts)
      : block_(block), rules_(std::move(rules)), counts_(counts) {}
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;

 private:
  struct Version {
    std::uint32_t serial;
    std::uint64_t seen;  // when: the number of the look
  };
  struct Silent {
    Outbox::Time told{};  // when a line of the log was written
    std::uint64_t untold = 0;
  };

  void look(Outbox::Time now);
  void put(dns::NameView apex, Outbox::Time due);
  void forget_gone();
  // Signs it; what verifies the answer. None: no key is named.
  [[nodiscard]] std::optional<tsig::Verifier> sign(dns::NameView apex, std::vector<std::uint8_t>& notice) const;
  [[nodiscard]] async::Task<> tell(async::Loop& loop, Outbox::Letter letter);
  [[nodiscard]] std::optional<IpAddress> source_for(const Endpoint& to) const;
  void complain(const Outbox::Letter& letter, const std::string& what, Outbox::Time now);

  const ServerBlock& block_;
  std::vector<Rule> rules_;
  NotifyCounts counts_;
  crypto::SystemRandom random_;
  Outbox outbox_;
  std::unordered_map<std::string, Version> known_;  // by apex in wire format, lower case
  std::uint64_t looks_ = 0;
  std::map<Endpoint, Silent> silent_;
  bool full_ = false;  // said already
};

}  // namespace swage::plugins::transfer
