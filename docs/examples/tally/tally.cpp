// tally: counts the queries for TXT and logs each; says that the server is not ready before it has run for a while.
#include "core/plugin/plugin.h"

namespace swage::plugins::tally {
namespace {

using namespace std::chrono_literals;

// In every dns process. Sees each query of the server block after it was answered.
class Tally : public Observer {
 public:
  Tally(metrics::Counter queries, metrics::Counter bytes) : queries_(queries), bytes_(bytes) {}

  void sent(const Query& query, const Response& /*response*/, Bytes message) const override {
    if (query.qtype != dns::Type::txt) return;
    queries_.add();
    bytes_.add(message.size());
    log::info("plugin/tally: {} asked for '{}'", query.client.to_string(), query.qname.to_string());
  }

 private:
  metrics::Counter queries_, bytes_;
};

// In the service process.
class Warming : public Service {
 public:
  explicit Warming(std::chrono::milliseconds time) : time_(time) {}

  async::Task<Result<>> run(Host& host) override {
    const bool stop = co_await host.stopping(time_);
    if (stop) co_return Result<>();
    ready_ = true;
    log::info("plugin/tally: ready");
    co_await host.stopping().wait();
    co_return Result<>();
  }

  bool ready() const override { return ready_; }  // for the plugin `ready`

 private:
  std::chrono::milliseconds time_;
  bool ready_ = false;
};

}  // namespace

// tally { warm DURATION }
Result<> setup(Controller& controller) {
  std::chrono::milliseconds warm = 10s;
  controller.once();
  TRY(controller.read_block({{"warm", [&] { return assign(warm, controller.expect_duration(0ms, 1h)); }}}));
  metrics::Registry& registry = controller.metrics();
  const metrics::Counter queries = registry.counter("swage_tally_queries_total", "Queries for TXT.");
  const metrics::Counter bytes = registry.counter("swage_tally_bytes_total", "Bytes of their responses.");
  controller.add(std::make_unique<const Tally>(queries, bytes));
  controller.add(std::make_unique<Warming>(warm));
  return {};
}

}  // namespace swage::plugins::tally
