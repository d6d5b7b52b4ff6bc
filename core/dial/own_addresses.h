// The addresses of this machine's interfaces, as they are now. In the service process.
#pragma once

#include <optional>
#include <vector>

#include "core/net.h"

namespace swage::dial {

// nullopt if the kernel cannot be asked. Asking takes some ten microseconds.
[[nodiscard]] std::optional<std::vector<IpAddress>> own_addresses();

}  // namespace swage::dial
