#include "plugins/pprof/pprof.h"

#include <memory>

#include "core/log.h"
#include "core/plugin/http_endpoint.h"

namespace swage::plugins::pprof {
namespace {

// Only says something.
class AdviceService : public Service {
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
  controller.once();
  if (controller.next_arg()) TRY(parse_http_address(controller.val()));
  TRY(controller.read_block({{"block", [&]() -> Result<> {
                                if (controller.has_arg()) TRY(controller.expect_number<std::int64_t>(0, INT64_MAX));
                                return {};
                              }}}));
  controller.add(std::make_unique<AdviceService>());
  return {};
}

}  // namespace swage::plugins::pprof
