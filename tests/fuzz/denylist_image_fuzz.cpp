// Arbitrary bytes as a denylist's image: what check() lets pass can be asked about any address. Seeds:
// tests/fuzz/corpus/denylist_image, with filters of eight bytes.
#include <cstdlib>
#include <cstring>

#include "core/denylist/image.h"

namespace {

using namespace swage;

void ask(const denylist::Image& image, const char* address) {
  const auto match = image.find(*IpAddress::parse(address));
  std::size_t sum = 0;
  if (match) {
    for (const char c : match->name) sum += static_cast<std::uint8_t>(c);  // all of it can be read
  }
  if (sum > match.value_or(denylist::Match{}).name.size() * 255) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > (64 << 10)) return 0;
  // Of exactly the size, so that a sanitizer sees what is read behind it; malloc aligns to 16.
  auto* const exact = static_cast<std::uint8_t*>(std::malloc(size));
  if (exact == nullptr) return 0;
  std::memcpy(exact, data, size);
  const Bytes bytes(exact, size);
  if (denylist::Image::check(bytes)) {
    const denylist::Image image(bytes);
    for (const char* const address :
         {"0.0.0.0", "10.0.0.0", "10.1.2.3", "10.255.255.255", "192.0.2.1", "255.255.255.255", "::", "::1",
          "::ffff:10.1.2.3", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
      ask(image, address);
    }
  }
  std::free(exact);
  return 0;
}
