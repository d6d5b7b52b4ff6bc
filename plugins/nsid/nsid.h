// nsid: the name of this server in the responses to clients that ask for it (RFC 5001). In every dns process.
#pragma once

#include <string>

#include "core/plugin/plugin.h"

namespace swage::plugins::nsid {

class Nsid : public Plugin {
 public:
  explicit Nsid(std::string data) : data_(std::move(data)) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  std::string data_;
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::nsid
