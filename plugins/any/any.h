// any: the minimal answers to queries of type ANY that RFC 8482 allows: one RRset of those that there are (section
// 4.1) to clients that want signatures, a HINFO record to all others (section 4.2). In every dns process; keeps
// nothing.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::any {

class Any : public Plugin {
 public:
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::any
