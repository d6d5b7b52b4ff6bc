// maxttl: changes the responses of the plugins after it: no TTL is longer than the Corefile says. In every dns process.
#include <algorithm>

#include "core/plugin/plugin.h"

namespace swage::plugins::maxttl {
namespace {

class MaxTtl : public Plugin {
 public:
  explicit MaxTtl(std::uint32_t most) : most_(most) {}

  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    TRY(const Outcome outcome, next(query, response));
    if (outcome != Outcome::send) return outcome;  // there is no response
    for (auto* const section : {&response.answer, &response.authority, &response.additional}) {
      for (dns::Record& record : *section) record.ttl = std::min(record.ttl, most_);
    }
    return outcome;
  }

 private:
  std::uint32_t most_;  // seconds
};

}  // namespace

// maxttl SECONDS|DURATION
Result<> setup(Controller& controller) {
  controller.once();
  TRY(const std::uint32_t most, controller.expect_ttl());
  controller.add(std::make_unique<const MaxTtl>(most));
  return {};
}

}  // namespace swage::plugins::maxttl
