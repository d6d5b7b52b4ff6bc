#include "core/async/work.h"
#include "core/counted.h"
#include "core/log.h"
#include "core/whole_file.h"
#include "plugins/loadbalance/loadbalance.h"
#include "plugins/loadbalance/weights.h"

namespace swage::plugins::loadbalance {
namespace {

constexpr std::size_t kMostBytes = std::size_t{64} << 20;  // of a weight file

}  // namespace

// A file that is not there yet may come, where somebody looks again.
Result<> WeightService::prepare() {
  loaded_ = FileStamp::of(file_.path);
  if (!loaded_.exists() && file_.reload.count() != 0) {
    log::warning("plugin/loadbalance: {} cannot be read yet: all weights are 1", file_.path);
    return {};
  }
  Result<shm::Segment> weights = load();
  if (!weights) return std::unexpected(file_.directive.error(weights.error().text()));
  return file_.snapshot->publish(*std::move(weights));
}

async::Task<Result<>> WeightService::run(Host& host) {
  stopping_.emplace(host.loop());
  const auto pause = file_.reload.count() == 0 ? std::chrono::hours(24 * 365) : file_.reload;
  while (true) {
    const bool stopped = co_await wait_for(*stopping_, pause);
    if (stopped) co_return Result<>();
    if (file_.reload.count() == 0) continue;
    const FileStamp found = FileStamp::of(file_.path);
    if (found == loaded_) continue;
    const auto read = [this] { return load(); };
    Result<shm::Segment> weights = co_await work(host.loop(), read);
    if (FileStamp::of(file_.path) != found) continue;  // written while it was read: the next look will tell
    loaded_ = found;
    const Result<> published =
        weights ? file_.snapshot->publish(*std::move(weights)) : std::unexpected(weights.error());
    if (published) {
      log::info("plugin/loadbalance: {}: {}", file_.path, counted(Weights(file_.snapshot->bytes()).size(), "weight"));
    } else {
      log::error("plugin/loadbalance: {}; the weights stay as they were", published.error().text());
    }
  }
}

void WeightService::stop() {
  if (stopping_) stopping_->set();
}

// On any thread.
Result<shm::Segment> WeightService::load() const {
  TRY(const std::string text, read_whole_file(file_.path, kMostBytes));
  TRY(const std::vector<Weight> weights, parse_weights(file_.path, text));
  const std::vector<std::uint8_t> bytes = write_weights(weights);
  TRY(shm::Segment segment, shm::Segment::create("swage " + file_.snapshot->name(), bytes.size()));
  std::ranges::copy(bytes, segment.writable_bytes().begin());
  return segment;
}

}  // namespace swage::plugins::loadbalance
