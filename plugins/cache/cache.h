// cache: for how long what other plugins fetch is answered from memory. In every dns process. Keeps nothing itself: see
// core/plugin/fetched_answers.h.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/plugin/cache_rules.h"
#include "core/plugin/plugin.h"

namespace swage::plugins::cache {

struct Settings {
  CacheRules rules;  // without what is not kept
  std::vector<dns::Name> zones;
  std::vector<dns::Name> no_success, no_denial;  // zones of which such answers are not kept
};

class Cache : public Plugin {
 public:
  explicit Cache(Settings settings);
  Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  [[nodiscard]] const CacheRules& rules_for(const Query& query) const;

  std::vector<dns::Name> zones_, no_success_, no_denial_;
  mutable Popularity popularity_;
  std::array<CacheRules, 4> rules_;  // 1: no success, 2: no denial
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::cache
