// The plugins of swage_wrong, a swage for tests: some real ones, and one that does wrong what a plugin can do wrong.
#include "plugins/plugins.h"

#include <array>
#include <cstdlib>

namespace swage::plugins {

namespace bind {
Result<> setup(Controller& controller);
}
namespace ready {
Result<> setup(Controller& controller);
}
namespace whoami {
Result<> setup(Controller& controller);
}

namespace wrong {
namespace {

// Crashes at queries for crash.…, runs in circles at those for hang.…; lets others answer the rest.
class Wrong : public Plugin {
 public:
  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    const std::string_view label = as_text(query.key.view().first_label());
    if (label == "crash") std::abort();
    volatile bool forever = label == "hang";
    while (forever) {
    }
    return next(query, response);
  }
};

// Fails until it has been run three times.
class Failing : public Service {
 public:
  async::Task<Result<>> run(Host& host) override {
    if (++runs_ < 3) co_return fail("failed {} of 2 times", runs_);
    co_await host.stopping().wait();
    co_return Result<>();
  }
  [[nodiscard]] bool ready() const override { return true; }

 private:
  int runs_ = 0;
};

}  // namespace

// wrong [service|metric]
Result<> setup(Controller& controller) {
  while (controller.next()) {
    const bool has_argument = controller.next_arg();
    const std::string what = has_argument ? controller.val() : "";
    if (what == "metric") static_cast<void>(controller.metrics().counter("not-a-name", "Counts in vain."));
    if (what == "service") controller.add(std::make_unique<Failing>());
    if (what.empty()) controller.add(std::make_unique<Wrong>());
  }
  return {};
}

}  // namespace wrong

std::span<const PluginType> all() {
  static constexpr auto kList = std::to_array<PluginType>(
      {{"bind", &bind::setup}, {"ready", &ready::setup}, {"wrong", &wrong::setup}, {"whoami", &whoami::setup}});
  return kList;
}

}  // namespace swage::plugins
