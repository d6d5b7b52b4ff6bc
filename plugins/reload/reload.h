// reload: asks for a reload when the Corefile has changed. In the service process.
#pragma once

#include <chrono>

#include "core/plugin/plugin.h"

namespace swage::plugins::reload {

class ReloadService : public Service {
 public:
  struct Times {
    std::chrono::milliseconds interval{30'000};
    std::chrono::milliseconds jitter{15'000};  // 0: none; at most half of the interval counts
  };

  // `random`: 0 to 1; says where in the range that the jitter leaves the interval of this server lies.
  ReloadService(Times times, double random);

  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  [[nodiscard]] std::chrono::milliseconds interval() const { return interval_; }

 private:
  std::chrono::milliseconds interval_;
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::reload
