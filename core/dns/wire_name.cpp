#include "core/dns/wire_name.h"

#include <algorithm>

#include "core/dns/parse.h"

namespace swage::dns {

bool read_name(Bytes message, std::size_t& at, WireName& name) {
  std::size_t here = at;
  std::size_t before = at;  // a pointer must lead to a place before this
  bool jumped = false;
  name.size = 0;
  while (here < message.size()) {
    const std::uint8_t length = message[here];
    if (length >= 0xC0) {
      if (message.size() - here < 2) return false;
      const std::size_t to = load_u16(&message[here]) & 0x3FFF;
      if (to >= before || to < kHeaderSize) return false;
      if (!jumped) at = here + 2;
      jumped = true;
      here = before = to;
      continue;
    }
    if (length > kMaxLabel || message.size() - here < 1U + length || name.size + 1U + length > kMaxName) return false;
    std::copy_n(&message[here], 1U + length, &name.bytes[name.size]);
    name.size += 1U + length;
    here += 1U + length;
    if (length != 0) continue;
    if (!jumped) at = here;
    return true;
  }
  return false;
}

}  // namespace swage::dns
