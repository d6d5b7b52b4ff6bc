// The page of *status*: HTML with its style and its script in it. Internal to plugins/status.
#pragma once

#include <string>
#include <string_view>

namespace swage::plugins::status {

// `nonce`: of the Content-Security-Policy, for what is in it.
[[nodiscard]] std::string page(std::string_view nonce);

}  // namespace swage::plugins::status
