#include "core/crypto/pem.h"

#include <algorithm>

#include "core/crypto/base64.h"
#include "core/format.h"

namespace swage::crypto {
namespace {

constexpr std::size_t kPemLine = 64;       // characters (RFC 7468 section 2)
constexpr std::size_t kMaxPemKey = 16384;  // bytes of the text of a key

void wipe_text(std::string& text) { wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }

// What stands between the lines of the first block with that label, without its line ends; empty: no such block.
std::string block_of(std::string_view pem, std::string_view label) {
  const std::string begin = formatted("-----BEGIN {}-----", label), end = formatted("-----END {}-----", label);
  const std::size_t from = pem.find(begin);
  if (from == pem.npos) return {};
  pem.remove_prefix(from + begin.size());
  const std::size_t to = pem.find(end);
  if (to == pem.npos || to > kMaxPemKey) return {};
  std::string text(pem.substr(0, to));
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  return text;
}

}  // namespace

std::string to_pem(std::string_view label, Bytes der) {
  std::string base64 = to_base64(der);
  std::string text = formatted("-----BEGIN {}-----\n", label);
  text.reserve(base64.size() + base64.size() / kPemLine + 2 * text.size() + 2);
  for (std::size_t at = 0; at < base64.size(); at += kPemLine) {
    text.append(base64, at, kPemLine).push_back('\n');
  }
  wipe_text(base64);
  text += formatted("-----END {}-----\n", label);
  return text;
}

Secret key_to_pem(const EvpPrivateKey& key) {
  const Secret der = key.to_der();
  std::string text = to_pem("EC PRIVATE KEY", der.bytes());
  Secret secret = Secret::copy_of(as_bytes(text));
  wipe_text(text);
  return secret;
}

Result<EvpPrivateKey> key_from_pem(std::string_view pem) {
  std::string base64 = block_of(pem, "EC PRIVATE KEY");
  if (base64.empty()) base64 = block_of(pem, "PRIVATE KEY");
  auto der = from_base64(base64);
  wipe_text(base64);
  if (!der || der->empty()) return fail("no private key in PEM");
  auto key = EvpPrivateKey::ecdsa(as_bytes(*der));
  wipe_text(*der);
  return key;
}

}  // namespace swage::crypto
