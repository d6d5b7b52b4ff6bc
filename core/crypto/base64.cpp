#include "core/crypto/base64.h"

#include <sodium/utils.h>

namespace swage::crypto {

std::string to_base64url(Bytes bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_URLSAFE), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_URLSAFE);
  text.pop_back();  // libsodium's NUL
  return text;
}

std::optional<std::vector<std::uint8_t>> from_base64url(std::string_view text) {
  const int variant = text.ends_with('=') ? sodium_base64_VARIANT_URLSAFE : sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::vector<std::uint8_t> bytes(text.size() / 4 * 3 + 3);
  std::size_t size = 0;
  const char* end = nullptr;  // where libsodium stopped: not always an error of its own
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, &end, variant) != 0 ||
      end != text.data() + text.size()) {
    return std::nullopt;
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace swage::crypto
