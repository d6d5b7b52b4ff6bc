#include "plugins/cache/cache.h"

#include "core/dns/zones.h"

namespace swage::plugins::cache {

Cache::Cache(Settings settings)
    : zones_(std::move(settings.zones)),
      no_success_(std::move(settings.no_success)),
      no_denial_(std::move(settings.no_denial)) {
  settings.rules.popularity = &popularity_;
  rules_.fill(settings.rules);
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    rules_[i].success.kept = (i & 1) == 0;
    rules_[i].denial.kept = (i & 2) == 0;
  }
}

Result<Outcome> Cache::serve(const Query& query, Response& response, Next next) const {
  if (dns::is_under_any(query.key, zones_)) response.cache = &rules_for(query);
  return next(query, response);
}

const CacheRules& Cache::rules_for(const Query& query) const {
  return rules_[(dns::is_under_any(query.key, no_success_) ? 1U : 0U) +
                (dns::is_under_any(query.key, no_denial_) ? 2U : 0U)];
}

}  // namespace swage::plugins::cache
