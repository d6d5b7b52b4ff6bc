// header: sets and clears flags in the headers of queries and responses. In every dns process.
#pragma once

#include <optional>

#include "core/plugin/plugin.h"

namespace swage::plugins::header {

// What becomes of each flag; nothing: it stays.
struct Flags {
  std::optional<bool> authoritative, recursion_available, recursion_desired;
};

class Header : public Plugin {
 public:
  Header(const Flags& query, const Flags& response) : query_(query), response_(response) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  Flags query_, response_;
  mutable Query
      changed_;  // what the plugins after it see; records of the response may point into it. One thread a process
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::header
