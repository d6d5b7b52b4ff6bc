// Reads the directive: loadbalance [round_robin | weighted WEIGHTFILE] { reload DURATION ; prefer CIDR... }
#include "plugins/loadbalance/loadbalance.h"

namespace swage::plugins::loadbalance {
namespace {

constexpr std::chrono::milliseconds kReload = std::chrono::seconds(30);

Result<> read_prefer(Controller& controller, std::vector<Prefix>& prefer) {
  do {
    TRY(const Prefix net, controller.expect_prefix());
    prefer.push_back(net);
  } while (controller.has_arg());
  return {};
}

// The policy and its arguments; a file where it is weighted.
Result<std::optional<WeightFile>> read_policy(Controller& controller) {
  std::optional<WeightFile> file;
  if (!controller.has_arg()) return file;
  TRY(const std::string_view policy, controller.one_of({"round_robin", "weighted"}));
  if (policy == "weighted") {
    TRY(std::string path, controller.expect_path("the path of a weight file"));
    file.emplace(std::move(path), kReload, nullptr, controller.token());
    file->snapshot = &controller.snapshot("loadbalance " + file->path);
  }
  return file;
}

}  // namespace

Result<> setup(Controller& controller) {
  controller.once();
  Settings settings;
  TRY(std::optional<WeightFile> file, read_policy(controller));
  const auto read_reload = [&]() -> Result<> {
    if (!file) return controller.fail("there is no file to read again without 'weighted'");
    return assign(file->reload, controller.expect_duration());
  };
  TRY(controller.read_block({
      {"prefer", [&] { return read_prefer(controller, settings.prefer); }},
      {"reload", read_reload},
  }));
  if (file) {
    settings.weights = file->snapshot;
    controller.add(std::make_unique<WeightService>(*std::move(file)));
  }
  controller.add(std::unique_ptr<const Plugin>(std::make_unique<LoadBalance>(std::move(settings))));
  return {};
}

}  // namespace swage::plugins::loadbalance
