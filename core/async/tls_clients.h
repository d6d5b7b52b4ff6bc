// What a server of TLS wants of its clients' certificates: the names are CoreDNS's, and in effect Go's ClientAuthType.
#pragma once

#include <cstdint>

namespace swage::async {

enum class TlsClients : std::uint8_t {
  none,          // they are not asked for one
  request,       // asked, and whatever comes is taken
  require,       // one must come; any is taken
  verify_given,  // one that comes must be of the authorities
  verify,        // one must come, and be of the authorities
};

}  // namespace swage::async
