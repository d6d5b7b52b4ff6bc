#include "core/counted.h"
#include "core/log.h"
#include "core/whole_file.h"
#include "plugins/loadbalance/loadbalance.h"
#include "plugins/loadbalance/weights.h"

namespace swage::plugins::loadbalance {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;  // of a weight file

}  // namespace

// A file that is not there yet may come, where somebody looks again.
Result<> WeightService::prepare() {
  followed_.remember();
  if (!FileStamp::of(file_.path).exists() && file_.reload.count() != 0) {
    if (!file_.snapshot->bytes().empty()) {  // of the configuration before
      log::error("plugin/loadbalance: {} cannot be read; the weights stay as they were", file_.path);
      return file_.snapshot->keep();
    }
    log::warning("plugin/loadbalance: {} cannot be read yet: all weights are 1", file_.path);
    return {};
  }
  Result<shm::Segment> weights = load();
  if (!weights) return std::unexpected(file_.directive.error(weights.error().text()));
  return file_.snapshot->publish(*std::move(weights));
}

async::Task<Result<>> WeightService::run(Host& host) {
  const auto read = [this] { return load(); };
  const auto take = [this](Result<shm::Segment> weights) {
    const Result<> published =
        weights ? file_.snapshot->publish(*std::move(weights)) : Result<>(std::unexpected(weights.error()));
    if (!published) return Result<>(fail("{}; the weights stay as they were", published.error().text()));
    log::info("plugin/loadbalance: {}: {}", file_.path,
              counted(shm::FlatMap(file_.snapshot->bytes()).count(), "weight"));
    return Result<>();
  };
  co_await follow(host, followed_, read, take);
  co_return Result<>();
}

// On any thread.
Result<shm::Segment> WeightService::load() const {
  TRY(const std::string text, read_whole_file(file_.path, kMaxBytes));
  TRY(const std::vector<Weight> weights, parse_weights(file_.path, text));
  return write_weights("swage " + file_.snapshot->name(), weights);
}

}  // namespace swage::plugins::loadbalance
