// What the broker shows as long as it has no certificate: one that it made by itself, which no client accepts that
// verifies it. So those that do end at once, with a reason, and what only looks for the broker's health is told. Pure,
// but for randomness; any process.
#pragma once

#include <string>

#include "core/async/tls.h"
#include "core/result.h"

namespace swage::plugins::broker {

[[nodiscard]] Result<async::TlsContext> provisional_certificate(const std::string& domain);

}  // namespace swage::plugins::broker
