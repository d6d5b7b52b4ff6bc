// minimal: answers without the records that nobody asked for. In every dns process; keeps nothing.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::minimal {

class Minimal : public Plugin {
 public:
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::minimal
