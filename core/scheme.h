// How queries come to a server block: what its keys begin with, "tls://example.org".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace swage {

enum class Scheme : std::uint8_t {
  dns,    // over UDP and TCP
  tls,    // over TLS over TCP (RFC 7858)
  https,  // over HTTPS (RFC 8484)
};

[[nodiscard]] constexpr std::string_view to_string(Scheme scheme) {
  constexpr std::string_view kNames[] = {"dns", "tls", "https"};
  return kNames[static_cast<std::size_t>(scheme)];
}

}  // namespace swage
