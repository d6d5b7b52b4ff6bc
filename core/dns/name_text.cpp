#include "core/dns/name_text.h"

#include <algorithm>

namespace swage::dns {

void NameText::assign(NameView name) {
  clear();
  if (name.is_root()) put('.');
  for (; !name.is_root(); name = name.parent()) {
    for (const std::uint8_t byte : name.first_label()) {
      if (byte <= ' ' || byte >= 0x7F) {
        put('\\');
        put(static_cast<std::uint8_t>('0' + byte / 100));
        put(static_cast<std::uint8_t>('0' + byte / 10 % 10));
        put(static_cast<std::uint8_t>('0' + byte % 10));
        continue;
      }
      if (std::string_view(".\\\"();@$").find(static_cast<char>(byte)) != std::string_view::npos) put('\\');
      put(lower(byte));
    }
    put('.');
  }
}

void NameText::append(std::string_view text) {
  const std::size_t fits = std::min(text.size(), bytes_.size() - size_);
  overflow_ = overflow_ || fits < text.size();
  std::copy_n(text.data(), fits, bytes_.data() + size_);
  size_ += fits;
}

}  // namespace swage::dns
