// any: the minimal answer to queries of type ANY that RFC 8482 section 4.2 allows. In every dns process; keeps nothing.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::any {

class Any : public Plugin {
 public:
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::any
