// The OPT record (RFC 6891) of a message that another nameserver sent. No I/O. Faces anything.
#pragma once

#include <cstdint>
#include <optional>

#include "core/bytes.h"

namespace swage::upstream {

struct Opt {
  std::uint8_t extended_rcode = 0;  // the upper 8 bits of 12
  Bytes options{};                  // in wire format; maybe not well formed

  // The data of the first option with this code.
  [[nodiscard]] std::optional<Bytes> option(std::uint16_t code) const;
};

// nullopt where there is none, or it cannot be reached.
[[nodiscard]] std::optional<Opt> find_opt(Bytes message);

}  // namespace swage::upstream
