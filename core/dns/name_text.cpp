#include "core/dns/name_text.h"

#include <algorithm>

#include "core/text.h"

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

bool is_in_escape(std::string_view text, std::size_t at) {
  at = std::min(at, text.size());
  for (std::size_t back = 1; back <= std::min<std::size_t>(at, 3); ++back) {
    const std::size_t slash = at - back;
    if (text[slash] != '\\') continue;
    // Of several in a row every second one is the escaped character itself; npos + 1 is 0.
    const std::size_t first = text.substr(0, slash).find_last_not_of('\\') + 1;
    if ((slash - first) % 2 != 0) continue;
    const bool has_digits = slash + 1 < text.size() && is_digit(text[slash + 1]);
    return back < (has_digits ? 4U : 2U);
  }
  return false;
}

}  // namespace swage::dns
