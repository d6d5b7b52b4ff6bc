#include "plugins/timeouts/timeouts.h"

#include <algorithm>
#include <limits>

#include "core/config/values.h"
#include "core/text.h"

namespace swage::plugins::timeouts {
namespace {

using std::chrono::seconds;

constexpr seconds kLeast = seconds(1), kMost = std::chrono::hours(24);

// A duration, or a number of seconds.
Result<seconds> read_duration(Controller& controller) {
  TRY(const std::string_view text, controller.expect_arg("a duration"));
  const bool is_number = is_decimal(text);
  const auto duration = config::parse_duration(is_number ? std::string(text) + "s" : std::string(text));
  if (!duration) return std::unexpected(controller.error("timeouts: {}", duration.error().text()));
  if (*duration < kLeast || *duration > kMost) {
    return std::unexpected(controller.error("timeouts: '{}' is not between 1s and 24h", text));
  }
  return std::chrono::ceil<seconds>(*duration);
}

Result<> read_most_requests(Controller& controller, TcpLimits& limits) {
  TRY(const std::string_view text, controller.expect_arg("a number of queries, or -1"));
  limits.most_requests.reset();
  if (text == "-1") return {};
  const auto most = config::parse_integer<std::uint32_t>(text, 1, std::numeric_limits<std::uint32_t>::max());
  if (!most) return std::unexpected(controller.error("timeouts: {}; or -1 for any number", most.error().text()));
  limits.most_requests = *most;
  return {};
}

Result<> read_limit(Controller& controller, TcpLimits& limits) {
  if (controller.val() == "read") {
    TRY(limits.read, read_duration(controller));
  } else if (controller.val() == "write") {
    TRY(limits.write, read_duration(controller));
  } else if (controller.val() == "idle") {
    TRY(limits.idle, read_duration(controller));
  } else if (controller.val() == "maxtcpqueries") {
    TRY(read_most_requests(controller, limits));
  } else {
    return std::unexpected(controller.unknown_property({"read", "write", "idle", "maxtcpqueries"}));
  }
  return controller.expect_end();
}

}  // namespace

// timeouts { read DURATION ; write DURATION ; idle DURATION ; maxtcpqueries MAXIMUM }
Result<> setup(Controller& controller) {
  TcpLimits limits;
  while (controller.next()) {
    TRY(controller.expect_end());
    bool empty = true;
    for (; controller.next_block(); empty = false) TRY(read_limit(controller, limits));
    if (empty) return std::unexpected(controller.error("timeouts: expected a block with at least one time-out"));
  }
  controller.block().tcp = limits;
  return {};
}

}  // namespace swage::plugins::timeouts
