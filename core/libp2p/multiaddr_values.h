// The values of multiaddr components, text ↔ bytes, by their Form (multiaddr_protocols.h). Part of multiaddr.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/libp2p/multiaddr_protocols.h"
#include "core/result.h"

namespace swage::libp2p::multiaddr {

// Bytes of every value of this form; nullopt where a length goes before the value.
[[nodiscard]] std::optional<std::size_t> fixed_size(Form form);

// Whether a component may hold these bytes. What it accepts, value_to_text() writes and value_from_text() reads back.
[[nodiscard]] Result<> check_value(Form form, Bytes value);

// The bytes of a value; they have passed check_value().
[[nodiscard]] Result<std::vector<std::uint8_t>> value_from_text(Form form, std::string_view text);

// The one way in which we write a value. REQUIRES: check_value(form, value) accepts it.
[[nodiscard]] std::string value_to_text(Form form, Bytes value);

}  // namespace swage::libp2p::multiaddr
