// proxyproto: whose word the server takes for where a query comes from. What it says is done by the listeners.
#include <algorithm>

#include "core/embedded_ipv4.h"
#include "core/plugin/plugin.h"

namespace swage::plugins::proxyproto {

// proxyproto { allow NETWORK... ; default use|ignore|reject|skip }
Result<> setup(Controller& controller) {
  using Rule = ProxyPolicy::Rule;
  ProxyPolicy policy;
  bool has_default = false;
  const auto read_allow = [&]() -> Result<> {
    do {
      TRY(const Prefix network, controller.expect_prefix());
      policy.allowed.push_back(unmapped(network));
    } while (controller.has_arg());
    return {};
  };
  const auto read_default = [&]() -> Result<> {
    TRY(const std::string_view word, controller.one_of({"use", "ignore", "reject", "skip"}));
    policy.others = word == "use"      ? Rule::use
                    : word == "ignore" ? Rule::ignore
                    : word == "reject" ? Rule::reject
                                       : Rule::skip;
    has_default = true;
    return {};
  };
  const auto refuse_tracking = [&]() -> Result<> { return controller.fail("'udp_session_tracking' is not supported"); };
  controller.once();
  TRY(controller.read_block(
      {{"allow", read_allow}, {"default", read_default}, {"udp_session_tracking", refuse_tracking}}));
  if (policy.allowed.empty() && !has_default) {
    return controller.fail("expected 'allow' with the networks of proxies; or 'default use', to believe everybody");
  }
  std::ranges::sort(policy.allowed);
  controller.block().proxy = std::move(policy);
  return {};
}

}  // namespace swage::plugins::proxyproto
