// tls: the certificate of tls:// and https:// server blocks. What of it dns processes see is in core/plugin/
// tls_memory.h; the files are the service process's.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::tls {

// tls CERT KEY [CA] { client_auth … } | tls auto NAME... { client_auth … ; acme { … } }
[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::tls
