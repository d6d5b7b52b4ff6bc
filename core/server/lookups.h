// Lookups: a query's further questions to this server itself (core/plugin/lookup.h). In dns processes, one for each;
// its memory is used again.
#pragma once

#include <array>
#include <memory>

#include "core/plugin/lookup.h"
#include "core/server/router.h"

namespace swage::server {

class Lookups : public Lookup {
 public:
  // The next ones are of another query, which `router` is for.
  void begin(const Router& router) { router_ = &router, asked_ = 0; }

  [[nodiscard]] Result<Outcome> ask(const Query& query, dns::NameView name, Response& response,
                                    const Response*& found) override;

 private:
  struct Level {
    Query query;
    Response response;
  };

  const Router* router_ = nullptr;
  std::array<std::unique_ptr<Level>, kMost + 1> levels_;  // made when they are needed; the last refuses
  std::size_t asked_ = 0;
};

// Class CH is for plugins only where the server block accepts it.
[[nodiscard]] inline bool is_for_chain(const Query& query, const Block& block) {
  return query.qclass == dns::Class::in || (query.qclass == dns::Class::ch && block.settings.accepts_chaos);
}

}  // namespace swage::server
