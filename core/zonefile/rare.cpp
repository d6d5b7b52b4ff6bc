// Rare types and fields in presentation format.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string>

#include "core/dns/base_encodings.h"
#include "core/text.h"
#include "core/zonefile/rdata.h"

namespace swage::zonefile {
namespace {

void put_u32(RdataText& text, std::uint32_t value) {
  text.put_u16(static_cast<std::uint16_t>(value >> 16));
  text.put_u16(static_cast<std::uint16_t>(value));
}

// Hexadecimal digits with dots anywhere between them.
bool decode_dotted_hex(std::string_view text, std::vector<std::uint8_t>& to) {
  std::string digits;
  std::ranges::copy_if(text, std::back_inserter(digits), [](char c) { return c != '.'; });
  return !digits.empty() && dns::decode_hex(digits, to);
}

// The bytes of an address that are not zeros at its end (RFC 3123 section 4).
std::size_t significant(std::span<const std::uint8_t> address) {
  std::size_t size = address.size();
  while (size > 0 && address[size - 1] == 0) --size;
  return size;
}

// [!]FAMILY:ADDRESS/PREFIX.
bool parse_prefix(std::string_view item, std::vector<std::uint8_t>& to) {
  const bool is_negated = item.starts_with('!');
  if (is_negated) item.remove_prefix(1);
  const std::size_t colon = item.find(':');
  const std::size_t slash = item.find('/');
  if (colon == std::string_view::npos || slash == std::string_view::npos || slash < colon) return false;
  std::uint16_t family = 0;
  std::uint8_t prefix = 0;
  if (!parse_number(item.substr(0, colon), family) || (family != 1 && family != 2)) return false;
  const std::size_t size = family == 1 ? 4 : 16;
  if (!parse_number(item.substr(slash + 1), prefix) || prefix > 8 * size) return false;
  std::array<std::uint8_t, 16> address{};
  const std::string text(item.substr(colon + 1, slash - colon - 1));
  if (inet_pton(family == 1 ? AF_INET : AF_INET6, text.c_str(), address.data()) != 1) return false;
  const std::size_t length = significant({address.data(), size});
  to.insert(to.end(), {0, static_cast<std::uint8_t>(family), prefix,
                       static_cast<std::uint8_t>(length | (is_negated ? 0x80U : 0U))});
  to.insert(to.end(), address.begin(), address.begin() + static_cast<std::ptrdiff_t>(length));
  return true;
}

}  // namespace

OrFault<> parse_apl(RdataText& text) {
  while (!text.tokens().empty()) {
    TRY(const Token token, text.take("a prefix"));
    if (!parse_prefix(token.text, text.rdata()))
      return text.not_a("a prefix such as 1:192.0.2.0/24 or !2:2001:db8::/32", token);
  }
  return {};
}

OrFault<> parse_nsap(RdataText& text) {
  TRY(const Token token, text.take("an address"));
  const bool has_prefix = token.text.starts_with("0x") || token.text.starts_with("0X");
  if (!has_prefix || !decode_dotted_hex(token.text.substr(2), text.rdata())) {
    return text.not_a("0x and an even number of hexadecimal digits", token);
  }
  return {};
}

// "+" and digits of E.164, or an AESA in hexadecimal.
OrFault<> parse_atma(RdataText& text) {
  TRY(const Token token, text.take("an address"));
  const bool is_e164 = token.text.starts_with('+');
  text.rdata().push_back(is_e164 ? 1 : 0);
  if (!is_e164) return decode_dotted_hex(token.text, text.rdata()) ? OrFault<>{} : text.not_a("an ATM address", token);
  for (const char c : token.text.substr(1)) {
    if (c != '.') text.rdata().push_back(static_cast<std::uint8_t>(c));
  }
  return {};
}

OrFault<> parse_a6(RdataText& text) {
  TRY(text.number(1));
  const unsigned prefix = text.rdata()[0];
  if (prefix > 128) return fault(text.line(), "A6: prefix length: more than 128");
  if (prefix < 128) {
    TRY(text.ipv6());
    const std::size_t whole = prefix / 8;
    text.rdata().erase(text.rdata().begin() + 1, text.rdata().begin() + 1 + static_cast<std::ptrdiff_t>(whole));
    // What the prefix covers is not part of the suffix.
    if (prefix % 8 != 0) text.rdata()[1] = static_cast<std::uint8_t>(text.rdata()[1] & 0xFFU >> prefix % 8);
  }
  return prefix == 0 ? OrFault<>{} : text.name();
}

OrFault<> parse_hip(RdataText& text) {
  TRY(const Token algorithm, text.take("an algorithm"));
  std::uint8_t number = 0;
  if (!parse_number(algorithm.text, number)) return text.not_a("a number up to 255", algorithm);
  std::vector<std::uint8_t> hit, key;
  TRY(const Token hit_text, text.take("a HIT in hexadecimal"));
  if (!dns::decode_hex(hit_text.text, hit) || hit.empty() || hit.size() > 255)
    return text.not_a("a HIT in hexadecimal", hit_text);
  TRY(const Token key_text, text.take("a public key in base64"));
  if (!dns::decode_base64(key_text.text, key) || key.empty() || key.size() > UINT16_MAX) {
    return text.not_a("a public key in base64", key_text);
  }
  text.rdata().push_back(static_cast<std::uint8_t>(hit.size()));
  text.rdata().push_back(number);
  text.put_u16(static_cast<std::uint16_t>(key.size()));
  text.rdata().insert(text.rdata().end(), hit.begin(), hit.end());
  text.rdata().insert(text.rdata().end(), key.begin(), key.end());
  while (!text.tokens().empty()) TRY(text.name());
  return {};
}

OrFault<> parse_amtrelay(RdataText& text) {
  TRY(text.number(1));
  TRY(const Token discovery, text.take("0 or 1"));
  if (discovery.text != "0" && discovery.text != "1") return text.not_a("0 or 1", discovery);
  TRY(const Token type, text.take("a type of relay"));
  std::uint8_t number = 0;
  if (!parse_number(type.text, number) || number > 3) return text.not_a("a type of relay from 0 to 3", type);
  text.rdata().push_back(static_cast<std::uint8_t>(number | (discovery.text == "1" ? 0x80U : 0U)));
  if (number == 1) return text.ipv4();
  if (number == 2) return text.ipv6();
  if (number == 3) return text.name();
  TRY(const Token none, text.take("'.'"));
  return none.text == "." ? OrFault<>{} : text.not_a("'.'", none);
}

OrFault<> parse_nxt_bitmap(RdataText& text) {
  const std::size_t start = text.rdata().size();
  do {
    TRY(const Token token, text.take("a type"));
    const auto type = dns::parse_type(token.text);
    const unsigned number = type ? static_cast<unsigned>(*type) : 0;
    if (number == 0 || number > 127) return text.not_a("a type up to 127", token);
    const std::size_t byte = start + number / 8;
    if (text.rdata().size() <= byte) text.rdata().resize(byte + 1);
    text.rdata()[byte] = static_cast<std::uint8_t>(text.rdata()[byte] | 0x80U >> number % 8);
  } while (!text.tokens().empty());
  return {};
}

OrFault<> parse_locator(RdataText& text) {
  constexpr std::string_view kExpected = "four groups of hexadecimal digits, such as 2001:db8:0:1";
  TRY(const Token token, text.take(kExpected));
  std::string_view rest = token.text;
  for (int i = 0; i < 4; ++i) {
    const std::size_t end = i < 3 ? rest.find(':') : rest.size();
    std::uint16_t group = 0;
    if (end == std::string_view::npos || end > 4 || !parse_number(rest.substr(0, end), group, 16)) {
      return text.not_a(kExpected, token);
    }
    text.put_u16(group);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

OrFault<> parse_eui(RdataText& text, std::size_t bytes) {
  const std::string_view expected =
      bytes == 6 ? "an address such as 00-00-5e-00-53-2a" : "an address such as 00-00-5e-ef-10-00-00-2a";
  TRY(const Token token, text.take(expected));
  const std::string_view digits = token.text;
  if (digits.size() != bytes * 3 - 1) return text.not_a(expected, token);
  for (std::size_t at = 0; at < digits.size(); at += 3) {
    if (at > 0 && digits[at - 1] != '-') return text.not_a(expected, token);
    if (!dns::decode_hex(digits.substr(at, 2), text.rdata())) return text.not_a(expected, token);
  }
  return {};
}

OrFault<> parse_node_number(RdataText& text) {
  constexpr std::string_view kExpected = "a number of 64 bits, or two of 32 bits with a dot between";
  TRY(const Token token, text.take(kExpected));
  const std::size_t dot = token.text.find('.');
  std::uint64_t whole = 0;
  std::uint32_t high = 0, low = 0;
  if (dot == std::string_view::npos) {
    if (!parse_number(token.text, whole)) return text.not_a(kExpected, token);
    high = static_cast<std::uint32_t>(whole >> 32);
    low = static_cast<std::uint32_t>(whole);
  } else if (!parse_number(token.text.substr(0, dot), high) || !parse_number(token.text.substr(dot + 1), low)) {
    return text.not_a(kExpected, token);
  }
  put_u32(text, high);
  put_u32(text, low);
  return {};
}

OrFault<> parse_base64_or_dash(RdataText& text) {
  if (text.tokens().size() != 1 || text.tokens().front().text != "-") return text.base64();
  TRY(text.take("data"));
  return {};
}

}  // namespace swage::zonefile
