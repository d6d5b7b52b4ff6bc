#include "core/plugin/chain.h"

namespace swage {

Result<Outcome> Next::operator()(const Query& query, Response& response) const {
  if (*plugin_ == nullptr) {
    response.plugin = 0;
    return Outcome::send;
  }
  response.plugin = (*plugin_)->number();
  return (*plugin_)->serve(query, response, Next(plugin_ + 1));
}

}  // namespace swage
