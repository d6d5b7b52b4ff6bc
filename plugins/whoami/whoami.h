// whoami: tells a client its own address, port and transport, whatever it asks. In every dns process; keeps nothing.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::whoami {

class Whoami : public Plugin {
 public:
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::whoami
