#include "core/server/lookups.h"

namespace swage::server {

// Each has a level of its own, so that none takes another's memory.
Result<Outcome> Lookups::ask(const Query& query, dns::NameView name, Response& response, const Response*& found) {
  std::unique_ptr<Level>& place = levels_[asked_];
  if (place == nullptr) place = std::make_unique<Level>();
  Level& level = *place;
  found = &level.response;
  level.response.clear();
  if (asked_ == kMost) {
    level.response.rcode = dns::Rcode::servfail;
    return Outcome::send;
  }
  ++asked_;
  level.query = query;
  level.query.ask(name);
  level.query.zone = {};
  level.response.later = {};
  level.response.later.refusal = response.later.refusal;

  const Router::Match match = router_->match(level.query);
  if (match.block == nullptr) return Outcome::send;
  level.query.zone = match.zone;
  if (!is_for_chain(level.query, *match.block)) return Outcome::send;
  const Result<Outcome> outcome = match.block->chain(level.query.kind())(level.query, level.response);
  const dns::Later& wanted = level.response.later;
  if (wanted.fetch != 0 && (wanted.ahead || (outcome && *outcome == Outcome::later))) {
    const dns::Later::Refusal refusal = response.later.refusal;
    response.later = wanted;
    response.later.refusal = refusal;
    response.later.key = response.arena.copy(wanted.key);
  }
  if (outcome) return outcome;
  level.response.clear_answer();  // its server block's *errors* has told the Error
  level.response.rcode = dns::Rcode::servfail;
  return Outcome::send;
}

}  // namespace swage::server
