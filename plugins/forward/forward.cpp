#include "plugins/forward/forward.h"

#include <algorithm>

#include "core/dns/zones.h"

namespace swage::plugins::forward {

bool Forward::takes(const Query& query) const {
  if (query.qclass != dns::Class::in || !query.key.view().is_under(from_)) return false;
  return query.key == from_ || !dns::is_under_any(query.key, except_);
}

bool Forward::is_for_next(const Response& response) const {
  if (next_on_nodata_ && response.rcode == dns::Rcode::noerror && response.answer.empty()) return true;
  return std::ranges::find(next_, response.rcode) != next_.end();
}

Result<Outcome> Forward::serve(const Query& query, Response& response, Next next) const {
  if (!takes(query)) return next(query, response);
  const auto options = static_cast<std::ptrdiff_t>(response.options.size());
  TRY(const Outcome outcome, answers_.serve(query, response));
  if (outcome != Outcome::send) return outcome;
  if (!is_for_next(response)) {
    last_ = {query.client, response.origin, query.received, query.id};
    return outcome;
  }
  response.clear_answer();
  response.options.erase(response.options.begin() + options, response.options.end());
  response.recursion_available = response.authentic = false;
  return next(query, response);
}

void Forward::tell_upstream(const Query& query, std::string& text) const {
  const bool is_it = query.client == last_.client && query.received == last_.received && query.id == last_.id;
  if (is_it && last_.upstream.port != 0) text += last_.upstream.to_string();
}

}  // namespace swage::plugins::forward
