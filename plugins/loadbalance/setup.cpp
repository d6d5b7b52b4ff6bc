// Reads the directive: loadbalance [round_robin | weighted WEIGHTFILE] { reload DURATION ; prefer CIDR... }
#include "core/config/values.h"
#include "plugins/loadbalance/loadbalance.h"

namespace swage::plugins::loadbalance {
namespace {

constexpr std::chrono::milliseconds kReload = std::chrono::seconds(30);

Result<> read_reload(Controller& controller, WeightFile& file) {
  TRY(const std::string_view text, controller.expect_arg("a duration"));
  const auto duration = config::parse_duration(text);
  if (!duration) return std::unexpected(controller.error("reload: {}", duration.error().text()));
  file.reload = std::chrono::ceil<std::chrono::milliseconds>(*duration);
  return controller.expect_end();
}

Result<> read_prefer(Controller& controller, std::vector<Prefix>& prefer) {
  TRY(controller.expect_arg("a network in CIDR notation"));
  do {
    const Result<Prefix> net = Prefix::parse(controller.val());
    if (!net) return std::unexpected(controller.error("prefer: '{}' is no network", controller.val()));
    prefer.push_back(*net);
  } while (controller.next_arg());
  return {};
}

// The policy and its arguments; a file where it is weighted.
Result<std::optional<WeightFile>> read_policy(Controller& controller) {
  std::optional<WeightFile> file;
  if (!controller.next_arg()) return file;
  if (controller.val() == "weighted") {
    TRY(const std::string_view written, controller.expect_arg("the path of a weight file"));
    file.emplace(controller.path(written), kReload, nullptr, controller.token());
    file->snapshot = &controller.snapshot("loadbalance " + file->path);
  } else if (controller.val() != "round_robin") {
    return std::unexpected(
        controller.error("loadbalance: '{}' is no policy: expected round_robin or weighted", controller.val()));
  }
  TRY(controller.expect_end());
  return file;
}

}  // namespace

Result<> setup(Controller& controller) {
  controller.next();
  Settings settings;
  TRY(std::optional<WeightFile> file, read_policy(controller));
  while (controller.next_block()) {
    if (controller.val() == "prefer") {
      TRY(read_prefer(controller, settings.prefer));
    } else if (controller.val() == "reload" && file) {
      TRY(read_reload(controller, *file));
    } else if (file) {
      return std::unexpected(controller.unknown_property({"reload", "prefer"}));
    } else {
      return std::unexpected(controller.unknown_property({"prefer"}));
    }
  }
  if (controller.next()) return std::unexpected(controller.error("directive 'loadbalance' twice in a server block"));
  if (file) {
    settings.weights = file->snapshot;
    controller.add(std::make_unique<WeightService>(*std::move(file)));
  }
  controller.add(std::unique_ptr<const Plugin>(std::make_unique<LoadBalance>(std::move(settings))));
  return {};
}

}  // namespace swage::plugins::loadbalance
