// The keys of SVCB and HTTPS parameters (IANA "DNS Service Bindings").
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/format.h"

namespace swage::dns {

enum ServiceKey : std::uint16_t {
  kMandatory,
  kAlpn,
  kNoDefaultAlpn,
  kPort,
  kIpv4Hint,
  kEch,
  kIpv6Hint,
  kDohPath,
  kOhttp,
  kTlsGroups,
};
inline constexpr std::array<std::string_view, 10> kServiceKeyNames = {
    "mandatory", "alpn",     "no-default-alpn", "port",  "ipv4hint",
    "ech",       "ipv6hint", "dohpath",         "ohttp", "tls-supported-groups",
};

// "alpn"; "key667" where a key has no name.
[[nodiscard]] inline std::string service_key_name(std::uint16_t key) {
  return key < kServiceKeyNames.size() ? std::string(kServiceKeyNames[key]) : formatted("key{}", key);
}

}  // namespace swage::dns
