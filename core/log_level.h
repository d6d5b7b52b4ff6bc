// The level of this process's log: lines that begin with a lower one, "[INFO] …", are not written. At first `info`.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace swage::log {

enum class Level : std::uint8_t { debug, info, warning, error };
inline constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};

void set_level(Level level);
[[nodiscard]] Level level();

}  // namespace swage::log
