#include "core/crypto/base64.h"

#include <sodium/utils.h>

namespace swage::crypto {
namespace {

std::string encode(Bytes bytes, int variant) {
  std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  text.pop_back();  // libsodium's NUL
  return text;
}

// `Buffer`: of characters or of bytes.
template <typename Buffer>
std::optional<Buffer> decode(std::string_view text, int variant) {
  Buffer bytes(text.size() / 4 * 3 + 3, 0);
  auto* const begin = reinterpret_cast<unsigned char*>(bytes.data());
  std::size_t size = 0;
  const char* end = nullptr;  // where libsodium stopped: not always an error of its own
  if (sodium_base642bin(begin, bytes.size(), text.data(), text.size(), nullptr, &size, &end, variant) != 0 ||
      end != text.data() + text.size()) {
    return std::nullopt;
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace

std::string to_base64(Bytes bytes) { return encode(bytes, sodium_base64_VARIANT_ORIGINAL); }

std::string to_base64url(Bytes bytes) { return encode(bytes, sodium_base64_VARIANT_URLSAFE); }

std::optional<std::string> from_base64(std::string_view text) {
  return decode<std::string>(text, sodium_base64_VARIANT_ORIGINAL);
}

std::optional<std::vector<std::uint8_t>> from_base64url(std::string_view text) {
  const int variant = text.ends_with('=') ? sodium_base64_VARIANT_URLSAFE : sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  return decode<std::vector<std::uint8_t>>(text, variant);
}

}  // namespace swage::crypto
