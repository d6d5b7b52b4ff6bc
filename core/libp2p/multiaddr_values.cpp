#include "core/libp2p/multiaddr_values.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/counted.h"
#include "core/libp2p/multibase.h"
#include "core/libp2p/peer_id.h"
#include "core/libp2p/varint.h"
#include "core/net.h"
#include "core/text.h"

namespace swage::libp2p::multiaddr {
namespace {

using ByteVector = std::vector<std::uint8_t>;
using multibase::Base;

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kBase64I2p = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";
constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::size_t kMaxCerthash = 128;  // bytes; its text may be in base58, whose decoder is quadratic
constexpr std::size_t kMaxName = 255;      // bytes of a text

std::string encode_base64(std::string_view alphabet, Bytes bytes) {
  std::string text;
  unsigned buffer = 0, bits = 0;  // of the buffer, not yet written
  for (const std::uint8_t byte : bytes) {
    buffer = buffer << 8 | byte;
    for (bits += 8; bits >= 6; bits -= 6) text += alphabet[buffer >> (bits - 6) & 63];
  }
  if (bits != 0) text += alphabet[buffer << (6 - bits) & 63];
  return text;
}

// With or without padding; the bits after the last byte must be 0.
Result<ByteVector> decode_base64(std::string_view alphabet, std::string_view text) {
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  ByteVector bytes;
  unsigned buffer = 0, bits = 0;
  for (const char c : text) {
    const std::size_t value = alphabet.find(c);
    if (value == std::string_view::npos) return fail("{:#04x} is not a digit of base 64", static_cast<std::uint8_t>(c));
    buffer = buffer << 6 | static_cast<unsigned>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<std::uint8_t>(buffer >> bits));
  }
  if (bits == 6 || (buffer & ((1U << bits) - 1)) != 0) return fail("not the base 64 text of whole bytes");
  return bytes;
}

template <typename Number>
Result<Number> number_in(std::string_view text, int base = 10) {
  Number number{};
  if (!parse_number(text, number, base)) return fail("not a number in range: '{}'", text);
  return number;
}

void append_port(ByteVector& bytes, std::uint16_t port) {
  bytes.resize(bytes.size() + 2);
  store_u16(&bytes[bytes.size() - 2], port);
}

Result<ByteVector> parse_port(std::string_view text) {
  TRY(const auto port, number_in<std::uint16_t>(text));
  ByteVector bytes;
  append_port(bytes, port);
  return bytes;
}

Result<ByteVector> parse_ip(Form form, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return fail("a zero byte in an IP address");
  TRY(const IpAddress address, IpAddress::parse(text));
  if (address.is_v6() != (form == Form::ip6)) return fail("an address of the other IP version: '{}'", text);
  return ByteVector(address.bytes().begin(), address.bytes().end());
}

// "HOST:PORT", the host in base32.
Result<ByteVector> parse_onion(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return fail("an onion address has a port: HOST:PORT");
  TRY(ByteVector bytes, multibase::decode(Base::base32, lower_case(text.substr(0, colon))));
  TRY(const auto port, number_in<std::uint16_t>(text.substr(colon + 1)));
  append_port(bytes, port);
  return bytes;
}

// Base58btc without a prefix, or a CIDv1 in base32, base36 or base58btc.
Result<ByteVector> parse_peer_id(std::string_view text) {
  if (text.size() > 2 * PeerId::kMaxSize) return fail("{} characters of a peer ID", text.size());
  if (!text.starts_with('b') && !text.starts_with('k') && !text.starts_with('z')) {
    return multibase::decode(Base::base58btc, text);
  }
  TRY(const ByteVector cid, multibase::decode(static_cast<Base>(text[0]), text.substr(1)));
  if (cid.size() < 2 || cid[0] != 0x01 || cid[1] != 0x72) return fail("not the CID of a libp2p key: '{}'", text);
  return ByteVector(cid.begin() + 2, cid.end());
}

Result<ByteVector> parse_prefix_length(std::string_view text) {
  TRY(const auto bits, number_in<std::uint8_t>(text));
  return ByteVector{bits};
}

Result<ByteVector> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return fail("half a byte in base 16");
  ByteVector bytes;
  for (; !text.empty(); text.remove_prefix(2)) {
    TRY(const auto byte, number_in<std::uint8_t>(text.substr(0, 2), 16));
    bytes.push_back(byte);
  }
  return bytes;
}

// Any base that multibase calls final and that somebody uses for hashes.
Result<ByteVector> parse_certhash(std::string_view text) {
  if (text.empty() || text.size() > 2 * kMaxCerthash + 1) return fail("{} characters of a hash", text.size());
  const std::string_view digits = text.substr(1);
  switch (text[0]) {
    case 'f':
    case 'F':
      return parse_hex(digits);
    case 'b':
    case 'B':
      return multibase::decode(Base::base32, lower_case(digits));
    case 'k':
    case 'K':
      return multibase::decode(Base::base36, lower_case(digits));
    case 'z':
      return multibase::decode(Base::base58btc, digits);
    case 'm':
    case 'M':
      return decode_base64(kBase64, digits);
    case 'u':
    case 'U':
      return decode_base64(kBase64Url, digits);
    default:
      return fail("unknown multibase prefix '{}'", text[0]);
  }
}

bool is_unreserved(char c) {  // RFC 3986 section 2.3
  return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

std::string percent_encode(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    if (is_unreserved(static_cast<char>(byte))) {
      text += static_cast<char>(byte);
    } else {
      text += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return text;
}

Result<ByteVector> percent_decode(std::string_view text) {
  ByteVector bytes;
  for (; !text.empty(); text.remove_prefix(1)) {
    if (text[0] != '%') {
      bytes.push_back(static_cast<std::uint8_t>(text[0]));
      continue;
    }
    if (text.size() < 3) return fail("a '%' without two digits");
    TRY(const auto byte, number_in<std::uint8_t>(text.substr(1, 2), 16));
    bytes.push_back(byte);
    text.remove_prefix(2);
  }
  return bytes;
}

Result<> check_text(Bytes value) {
  if (value.size() > kMaxName) return fail("a text of {} bytes", value.size());
  const auto is_control = [](std::uint8_t c) { return c < 0x20 || c == 0x7F; };
  if (std::ranges::any_of(value, is_control)) return fail("a control character");
  return {};
}

Result<> check_peer_id(Bytes value) {
  TRY(PeerId::from_multihash(value));
  return {};
}

// https://github.com/multiformats/multihash "Format": code, length, digest.
Result<> check_multihash(Bytes value) {
  if (value.size() > kMaxCerthash) return fail("a hash of {} bytes", value.size());
  const auto code = varint::read(value);
  if (!code) return fail("not a multihash");
  const auto size = varint::read(value.subspan(code->size));
  if (!size || size->value != value.size() - code->size - size->size) return fail("not a multihash");
  return {};
}

Result<> check_path(Bytes value) {
  if (value.size() < 2 || value.front() != '/' || value.back() == '/') {
    return fail("a path begins with '/' and does not end with it");
  }
  if (std::ranges::find(value, 0) != value.end()) return fail("a zero byte in a path");
  return {};
}

Result<ByteVector> decode_text(Form form, std::string_view text) {
  switch (form) {
    case Form::none:
      return ByteVector();
    case Form::ip4:
    case Form::ip6:
      return parse_ip(form, text);
    case Form::prefix_length:
      return parse_prefix_length(text);
    case Form::port:
      return parse_port(text);
    case Form::onion:
    case Form::onion3:
      return parse_onion(text);
    case Form::text:
    case Form::path:
      return ByteVector(text.begin(), text.end());
    case Form::http_path:
      return percent_decode(text);
    case Form::peer_id:
      return parse_peer_id(text);
    case Form::certhash:
      return parse_certhash(text);
    case Form::garlic32:
      return multibase::decode(Base::base32, lower_case(text));
    case Form::garlic64:
      return decode_base64(kBase64I2p, text);
  }
  return fail("no such form");
}

}  // namespace

std::optional<std::size_t> fixed_size(Form form) {
  switch (form) {
    case Form::none:
      return 0;
    case Form::ip4:
      return 4;
    case Form::ip6:
      return 16;
    case Form::prefix_length:
      return 1;
    case Form::port:
      return 2;
    case Form::onion:
      return 10 + 2;
    case Form::onion3:
      return 35 + 2;
    default:
      return std::nullopt;
  }
}

Result<> check_value(Form form, Bytes value) {
  if (const auto size = fixed_size(form); size && value.size() != *size) {
    return fail("a value of {} instead of {}", counted(value.size(), "byte"), *size);
  }
  if (value.empty() && form != Form::none) return fail("an empty value");
  switch (form) {
    case Form::prefix_length:
      if (value[0] > 128) return fail("a prefix of {} bits", value[0]);
      return {};
    case Form::onion:
    case Form::onion3:
      if (load_u16(&value[value.size() - 2]) == 0) return fail("port 0 of an onion address");
      return {};
    case Form::text:
      if (std::ranges::find(value, '/') != value.end()) return fail("a '/' in a text");
      return check_text(value);
    case Form::path:
      return check_path(value);
    case Form::peer_id:
      return check_peer_id(value);
    case Form::certhash:
      return check_multihash(value);
    case Form::garlic32:
      if (value.size() != 32 && value.size() < 35) return fail("{} of an I2P address", counted(value.size(), "byte"));
      return {};
    case Form::garlic64:
      if (value.size() < 386) return fail("{} of an I2P address", counted(value.size(), "byte"));
      return {};
    default:
      return {};
  }
}

Result<ByteVector> value_from_text(Form form, std::string_view text) {
  TRY(ByteVector value, decode_text(form, text));
  TRY(check_value(form, value));
  return value;
}

std::string value_to_text(Form form, Bytes value) {
  switch (form) {
    case Form::none:
      return "";
    case Form::ip4:
      return IpAddress::v4(value).to_string();
    case Form::ip6:
      return IpAddress::v6(value).to_string();
    case Form::prefix_length:
      return fmt::to_string(value[0]);
    case Form::port:
      return fmt::to_string(load_u16(value.data()));
    case Form::onion:
    case Form::onion3:
      return multibase::encode(Base::base32, value.first(value.size() - 2)) + ':' +
             fmt::to_string(load_u16(&value[value.size() - 2]));
    case Form::text:
    case Form::path:
      return std::string(as_text(value));
    case Form::http_path:
      return percent_encode(value);
    case Form::peer_id:
      return multibase::encode(Base::base58btc, value);
    case Form::certhash:
      return 'u' + encode_base64(kBase64Url, value);
    case Form::garlic32:
      return multibase::encode(Base::base32, value);
    case Form::garlic64: {
      std::string text = encode_base64(kBase64I2p, value);
      text.append((4 - text.size() % 4) % 4, '=');  // I2P writes its padding
      return text;
    }
  }
  return "";
}

}  // namespace swage::libp2p::multiaddr
