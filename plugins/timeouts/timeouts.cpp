#include "plugins/timeouts/timeouts.h"

#include <algorithm>
#include <limits>

#include "core/config/values.h"
#include "core/text.h"

namespace swage::plugins::timeouts {
namespace {

using std::chrono::seconds;

constexpr seconds kMin = seconds(1), kMax = std::chrono::hours(24);

// A duration, or a number of seconds.
Result<seconds> read_duration(Controller& controller) {
  TRY(const std::string_view text, controller.expect_arg("a duration"));
  const bool is_number = is_decimal(text);
  TRY(const auto duration, config::parse_duration(is_number ? std::string(text) + "s" : std::string(text)));
  if (duration < kMin || duration > kMax) return controller.fail("'{}' is not between 1s and 24h", text);
  return std::chrono::ceil<seconds>(duration);
}

// A number of queries, or -1: any number.
Result<std::optional<std::uint32_t>> read_number(Controller& controller) {
  TRY(const std::string_view text, controller.expect_arg("a number of queries, or -1"));
  if (text == "-1") return std::nullopt;
  const auto most = config::parse_integer<std::uint32_t>(text, 1, std::numeric_limits<std::uint32_t>::max());
  if (!most) return controller.fail("{}; or -1 for any number", most.error().text());
  return *most;
}

}  // namespace

// timeouts { read DURATION ; write DURATION ; idle DURATION ; maxtcpqueries MAXIMUM }
Result<> setup(Controller& controller) {
  TcpLimits limits;
  while (controller.next()) {
    bool empty = true;
    TRY(controller.read_lines([&] {
      empty = false;
      return controller.read_property({
          {"read", [&] { return assign(limits.read, read_duration(controller)); }},
          {"write", [&] { return assign(limits.write, read_duration(controller)); }},
          {"idle", [&] { return assign(limits.idle, read_duration(controller)); }},
          {"maxtcpqueries", [&] { return assign(limits.most_requests, read_number(controller)); }},
      });
    }));
    if (empty) return controller.fail("expected a block with at least one time-out");
  }
  controller.block().tcp = limits;
  return {};
}

}  // namespace swage::plugins::timeouts
