// The certificate plugin.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::certificate {

// certificate NAME... { mode 0600|0640|0644 ; acme { … } }
[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::certificate
