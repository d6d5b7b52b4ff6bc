// Arbitrary bytes as what a connection or a datagram begins with: a header of the PROXY protocol that is found is
// within them, is found again in any longer beginning, and is awaited in any shorter one.
#include <cstdint>

#include "core/proxy_protocol.h"
#include "core/result.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace swage;
  using Found = ProxyHeader::Found;
  const Bytes bytes(data, size);
  const ProxyHeader header = read_proxy_header(bytes);
  if (header.found != Found::header) return 0;
  CHECK(header.size <= size && header.size <= kMostProxyHeader);
  for (std::size_t cut = 0; cut < size; ++cut) {
    const ProxyHeader part = read_proxy_header(bytes.first(cut));
    CHECK(part.found == (cut < header.size ? Found::incomplete : Found::header));
  }
  return 0;
}
