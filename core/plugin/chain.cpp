#include "core/plugin/chain.h"

namespace swage {

Result<Outcome> Next::operator()(const Query& query, Response& response) const {
  response.plugin = entry_->number;
  if (entry_->plugin == nullptr) return Outcome::send;
  return entry_->plugin->serve(query, response, Next(entry_ + 1));
}

}  // namespace swage
