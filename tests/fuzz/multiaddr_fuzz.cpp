// Multiaddrs of any bytes, read as binary and as text: what is accepted comes back from both forms, within the bounds.
#include <cstdlib>

#include "core/libp2p/multiaddr.h"

namespace {

using namespace swage;
using libp2p::Multiaddr;

void expect(bool holds) {
  if (!holds) std::abort();
}

void check(const Multiaddr& address) {
  const std::string text = address.to_string();
  const std::vector<std::uint8_t> bytes = address.to_bytes();
  expect(text.size() <= Multiaddr::kMaxText && bytes.size() <= Multiaddr::kMaxBytes);
  const auto from_text = Multiaddr::parse(text);
  const auto from_bytes = Multiaddr::from_bytes(bytes);
  expect(from_text && *from_text == address && from_text->to_string() == text);
  expect(from_bytes && *from_bytes == address);
  for (const auto& component : address.components()) {
    (void)component.ip();
    (void)component.port();
    (void)component.text();
    expect(component.peer_id().has_value() == (component.protocol == libp2p::multiaddr::Protocol::p2p));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (const auto address = Multiaddr::from_bytes({data, size})) {
    check(*address);
    const std::vector<std::uint8_t> bytes = address->to_bytes();
    expect(std::equal(bytes.begin(), bytes.end(), data, data + size));
  }
  if (const auto address = Multiaddr::parse(as_text({data, size}))) check(*address);
  return 0;
}
