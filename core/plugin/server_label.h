// ServerLabel: where a query came in, as CoreDNS's metrics call it: the label `server`, "dns://:53". For plugins that
// count queries.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/plugin/plugin.h"

namespace swage {

class ServerLabel {
 public:
  // ServerBlock::listeners().
  explicit ServerLabel(std::vector<Listener> listeners);

  // What the label may say, each once.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  // The index in names() of the listener that the query came to: the one with the very address, else the wildcard of
  // its family. names().size(): none of them.
  [[nodiscard]] std::size_t index_of(const Query& query) const;

 private:
  std::vector<Listener> listeners_;
  std::vector<std::string> names_;
};

}  // namespace swage
