// cookie: DNS cookies (RFC 7873), which the server has without this directive: their secrets, for a fleet, and whether
// who sends cookies must have a good one. In every dns process; the secrets are read by core/server/server_secrets.h.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::cookie {

// Has clients that know cookies ask again with the server's.
class Require : public Plugin {
 public:
  explicit Require(metrics::Counter refused) : refused_(refused) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
  [[nodiscard]] bool sees(dns::MessageKind) const override { return true; }

 private:
  metrics::Counter refused_;
};

// cookie [off] { secret FILE... ; require }
Result<> setup(Controller& controller);

}  // namespace swage::plugins::cookie
