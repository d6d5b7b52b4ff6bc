// local: answers for names that every machine has for itself (RFC 6761 section 6.3, RFC 6303 section 4.2). In every dns
// process; keeps nothing.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::local {

class Local : public Plugin {
 public:
  // `prefix`: names whose first label is localhost are this host's too.
  Local(bool prefix, metrics::Counter localhost) : prefix_(prefix), localhost_(localhost) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  [[nodiscard]] bool is_localhost(const Query& query) const;

  bool prefix_;
  metrics::Counter localhost_;  // answers for names below localhost
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::local
