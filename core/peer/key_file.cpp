#include "core/peer/key_file.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "core/crypto/base64.h"
#include "core/crypto/secret.h"
#include "core/new_file.h"
#include "core/whole_file.h"

namespace swage::peer {
namespace {

using libp2p::KeyType;
using libp2p::PrivateKey;

constexpr std::size_t kMaxFile = 16 << 10;     // bytes; an RSA key of 8192 bits has 4.7 KiB, in base64 6.3
constexpr std::uint8_t kProtobufStart = 0x08;  // the tag of Type, with which libp2p begins; no character of base64

constexpr std::pair<std::string_view, KeyType> kTypes[] = {
    {"ed25519", KeyType::ed25519}, {"rsa", KeyType::rsa}, {"ecdsa", KeyType::ecdsa}, {"secp256k1", KeyType::secp256k1}};

Result<PrivateKey> read_key(const std::string& path) {
  TRY(InputFile file, InputFile::open(path));
  crypto::Secret content(kMaxFile + 1);
  TRY(const std::size_t size, file.read(content.bytes()));
  if (size > kMaxFile) return fail("{}: too large for a key", path);
  auto key = parse_key(std::as_const(content).bytes().first(size));
  if (!key) return fail("{}: {}", path, key.error().text());
  return key;
}

}  // namespace

std::optional<KeyType> parse_key_type(std::string_view name) {
  for (const auto& [known, type] : kTypes) {
    if (known == name) return type;
  }
  return std::nullopt;
}

std::string_view name_of(KeyType type) {
  for (const auto& [name, known] : kTypes) {
    if (known == type) return name;
  }
  return "";
}

Result<PrivateKey> parse_key(Bytes content) {
  if (!content.empty() && content.front() == kProtobufStart) return PrivateKey::from_protobuf(content);
  std::string text(as_text(content));
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  auto message = crypto::from_base64url(text);
  const auto wipe = [](auto& bytes) { crypto::wipe({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}); };
  wipe(text);
  if (!message) return fail("expected a private key as libp2p's protobuf, as it is or in base64");
  auto key = PrivateKey::from_protobuf(*message);
  wipe(*message);
  return key;
}

Result<PrivateKey> load_or_make_key(const std::string& path, std::optional<KeyType> type) {
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
    const crypto::Secret made = PrivateKey::generate(type.value_or(KeyType::ed25519)).to_protobuf();
    TRY(write_first_file(path, made.bytes()));
  }
  TRY(PrivateKey key, read_key(path));
  const KeyType found = key.public_key().type();
  if (type && *type != found) return fail("{}: the key is of type {}, not {}", path, name_of(found), name_of(*type));
  return key;
}

}  // namespace swage::peer
