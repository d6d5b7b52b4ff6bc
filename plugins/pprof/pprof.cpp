#include "plugins/pprof/pprof.h"

#include <memory>

#include "core/config/values.h"
#include "core/log.h"
#include "core/plugin/http_endpoint.h"

namespace swage::plugins::pprof {
namespace {

// Only says something.
class Advice : public Service {
 public:
  async::Task<Result<>> run(Host&) override {
    log::warning(
        "plugin/pprof: profiles of Go's runtime do not exist here; use perf: "
        "perf record -g -p $(pgrep -d, -f 'swage @') -- sleep 30; perf report");
    co_return Result<>();
  }
};

}  // namespace

Result<> setup(Controller& controller) {
  controller.next();
  if (controller.next_arg()) {
    const auto address = parse_http_address(controller.val());
    if (!address) return std::unexpected(controller.error("pprof: {}", address.error().text()));
    TRY(controller.expect_end());
  }
  while (controller.next_block()) {
    if (controller.val() != "block") return std::unexpected(controller.unknown_property({"block"}));
    if (controller.next_arg()) {
      const auto rate = config::parse_integer<std::int64_t>(controller.val(), 0, INT64_MAX);
      if (!rate) return std::unexpected(controller.error("block: {}", rate.error().text()));
    }
    TRY(controller.expect_end());
  }
  if (controller.next()) return std::unexpected(controller.error("directive 'pprof' twice in a server block"));
  controller.add(std::make_unique<Advice>());
  return {};
}

}  // namespace swage::plugins::pprof
