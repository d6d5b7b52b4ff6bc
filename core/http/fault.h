// What may be wrong with a message. Internal to core/http.
#pragma once

#include <expected>

namespace swage::http {

enum class Fault { malformed, version, header_too_large, body_too_large };

template <typename T = void>
using Checked = std::expected<T, Fault>;

}  // namespace swage::http
