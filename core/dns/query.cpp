#include "core/dns/query.h"

namespace swage::dns {

Bytes Edns::option(std::uint16_t code) const {
  for (std::size_t at = 0; at < options.size();) {
    const std::uint16_t length = load_u16(&options[at + 2]);
    if (load_u16(&options[at]) == code) return {options.data() + at + 4, length};
    at += 4U + length;
  }
  return {};
}

void Query::ask(NameView name) {
  qname = name;
  key.assign_lowercased(name);
  label_count = 0;
  std::size_t at = 0;
  for (; name.data()[at] != 0; at += 1U + name.data()[at]) labels[label_count++] = static_cast<std::uint8_t>(at);
  labels[label_count] = static_cast<std::uint8_t>(at);
}

}  // namespace swage::dns
