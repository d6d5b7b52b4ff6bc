// transfer: zones as a whole for other nameservers. Transfer answers AXFR (RFC 5936) and IXFR (RFC 1995) in the dns
// processes; Notifier (notifier.h) tells secondaries of new versions in the service process.
#pragma once

#include <string_view>
#include <vector>

#include "core/plugin/plugin.h"
#include "core/plugin/zone_source.h"
#include "plugins/transfer/rules.h"
#include "plugins/transfer/stream.h"

namespace swage::plugins::transfer {

// What became of requests.
enum class Answer : std::uint8_t { axfr, ixfr, current, refused, notauth, formerr, busy };
inline constexpr std::size_t kAnswers = 7;

struct Counts {
  metrics::Counters requests{};  // by Answer
  StreamCounts streams{};
};

class Transfer : public Plugin {
 public:
  // `block`: of the directive; it outlives the plugin.
  Transfer(const ServerBlock& block, std::vector<Rule> rules, const Counts& counts)
      : block_(block), rules_(std::move(rules)), counts_(counts) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
  [[nodiscard]] bool sees(dns::MessageKind kind) const override { return kind == dns::MessageKind::transfer; }

 private:
  [[nodiscard]] Answer answer(const Query& query, Response& response, const Rule& rule) const;
  [[nodiscard]] Answer answer_axfr(const Query& query, Response& response, ZoneVersion version) const;
  [[nodiscard]] Answer answer_ixfr(const Query& query, Response& response, ZoneVersion version) const;
  [[nodiscard]] Answer begin(const Query& query, Response& response, ZoneVersion version, Sequence sequence,
                             Answer kind) const;
  void tell_refused(const Query& query) const;

  const ServerBlock& block_;
  std::vector<Rule> rules_;
  Counts counts_;
  // One thread a process.
  mutable Places places_;
  mutable std::int64_t told_ = 0;  // when a refusal was logged: nanoseconds, steady clock; 0: never
  mutable std::uint64_t untold_ = 0;
};

// The zone's version, where one of the block's plugins serves it. `apex` in lower case.
[[nodiscard]] std::optional<ZoneVersion> find_zone(const ServerBlock& block, dns::NameView apex);

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::transfer
