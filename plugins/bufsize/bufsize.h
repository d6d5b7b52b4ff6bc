// bufsize: the most bytes of a response over UDP. In every dns process.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::bufsize {

class Bufsize : public Plugin {
 public:
  // `size`: bytes, 512 or more.
  explicit Bufsize(std::uint16_t size) : size_(size) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  std::uint16_t size_;
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::bufsize
