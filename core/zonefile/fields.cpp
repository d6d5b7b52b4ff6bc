#include "core/zonefile/fields.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "core/counted.h"
#include "core/dns/base_encodings.h"
#include "core/text.h"

namespace swage::zonefile {
namespace {

// What the escape at text[at], a '\', stands for; moves `at` to its last character. -1 where it is malformed.
int escaped_byte(std::string_view text, std::size_t& at) {
  if (at + 1 >= text.size()) return -1;
  if (!is_digit(text[at + 1])) return static_cast<unsigned char>(text[++at]);
  if (at + 3 >= text.size() || !is_digit(text[at + 2]) || !is_digit(text[at + 3])) return -1;
  const int value = (text[at + 1] - '0') * 100 + (text[at + 2] - '0') * 10 + (text[at + 3] - '0');
  at += 3;
  return value > 255 ? -1 : value;
}

// Dotted decimal, each number without leading zeros.
bool parse_ipv4(std::string_view text, std::uint8_t* to) {
  std::size_t at = 0;
  for (int i = 0; i < 4; ++i) {
    if (i > 0 && (at == text.size() || text[at++] != '.')) return false;
    const std::size_t start = at;
    unsigned value = 0;
    for (; at < text.size() && is_digit(text[at]) && at - start < 3; ++at) {
      value = value * 10 + static_cast<unsigned>(text[at] - '0');
    }
    if (at == start || value > 255 || (text[start] == '0' && at > start + 1)) return false;
    to[i] = static_cast<std::uint8_t>(value);
  }
  return at == text.size();
}

std::uint64_t unit_seconds(char unit) {
  switch (unit | 0x20) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    case 'w':
      return 604800;
    default:
      return 0;
  }
}

// Days since 1970 of a date in the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms").
std::int64_t days_since_1970(int year, unsigned month, unsigned day) {
  year -= month <= 2;
  const int era = year / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month + (month > 2 ? -3U : 9U)) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return static_cast<std::int64_t>(era) * 146097 + day_of_era - 719468;
}

bool parse_timestamp(std::string_view text, std::uint32_t& value) {
  if (text.size() != 14) return parse_number(text, value);
  if (!is_decimal(text)) return false;
  std::array<unsigned, 6> part{};
  constexpr std::array<std::size_t, 7> kEnds = {0, 4, 6, 8, 10, 12, 14};
  for (std::size_t i = 0; i < 6; ++i) {
    if (!parse_number(text.substr(kEnds[i], kEnds[i + 1] - kEnds[i]), part[i])) return false;
  }
  if (part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 || part[3] > 23 || part[4] > 59 || part[5] > 60) {
    return false;
  }
  const std::int64_t days = days_since_1970(static_cast<int>(part[0]), part[1], part[2]);
  value = static_cast<std::uint32_t>(days * 86400 + part[3] * 3600 + part[4] * 60 + part[5]);  // modulo 2^32
  return true;
}

}  // namespace

OrFault<std::size_t> parse_name(const Token& token, dns::NameView origin, std::uint8_t* to) {
  const std::string_view text = token.text;
  if (text == "@" && !token.quoted) {
    std::copy_n(origin.data(), origin.size(), to);
    return origin.size();
  }
  if (text == ".") {
    to[0] = 0;
    return 1;
  }
  if (text.empty()) return fault(token.line, "a domain name is empty");
  std::size_t start = 0;  // where the length byte of the label under way goes
  std::size_t end = 1;    // where the next byte goes
  for (std::size_t i = 0; i < text.size(); ++i) {
    int byte = static_cast<unsigned char>(text[i]);
    if (byte == '.') {
      const std::size_t length = end - start - 1;
      if (length == 0) return fault(token.line, "empty label in domain name '{}'", text);
      to[start] = static_cast<std::uint8_t>(length);
      start = end++;
    } else {
      if (byte == '"' && !token.quoted) return fault(token.line, "'\"' within domain name '{}'", text);
      if (byte == '\\' && (byte = escaped_byte(text, i)) < 0) {
        return fault(token.line, "malformed escape in domain name '{}'", text);
      }
      if (end - start > dns::kMaxLabel)
        return fault(token.line, "label of more than 63 bytes in domain name '{}'", text);
      if (end < dns::kMaxName) to[end] = static_cast<std::uint8_t>(byte);
      ++end;
    }
    if (end > dns::kMaxName) return fault(token.line, "domain name of more than 255 bytes: '{}'", text);
  }
  if (end == start + 1) {  // it ended with a dot
    to[start] = 0;
    return end;
  }
  to[start] = static_cast<std::uint8_t>(end - start - 1);
  if (end + origin.size() > dns::kMaxName) return fault(token.line, "domain name of more than 255 bytes: '{}'", text);
  std::copy_n(origin.data(), origin.size(), to + end);
  return end + origin.size();
}

OrFault<std::uint32_t> parse_ttl(const Token& token) {
  constexpr std::uint64_t kMax = UINT32_MAX;
  const char* at = token.text.begin();
  const char* const end = token.text.end();
  std::uint64_t total = 0;
  bool plain = false;
  while (at != end || token.text.empty()) {
    std::uint64_t value = 0;
    const auto [behind, error] = std::from_chars(at, end, value);
    if (error != std::errc() && error != std::errc::result_out_of_range) {
      return fault(token.line, "'{}' is not a time in seconds", token.text);
    }
    plain = behind == end && at == token.text.begin();
    const std::uint64_t unit = plain ? 1 : behind == end ? 0 : unit_seconds(*behind);
    if (unit == 0) return fault(token.line, "'{}' is not a time in seconds", token.text);
    if (error != std::errc() || value > kMax || (total += value * unit) > kMax) {
      return fault(token.line, "'{}' is more than 4294967295 seconds", token.text);
    }
    at = plain ? end : behind + 1;
  }
  return static_cast<std::uint32_t>(total);
}

OrFault<> unescape(const Token& token, std::vector<std::uint8_t>& to) {
  for (std::size_t i = 0; i < token.text.size(); ++i) {
    int byte = static_cast<unsigned char>(token.text[i]);
    if (byte == '"') return fault(token.line, "'\"' within a word");
    if (byte == '\\' && (byte = escaped_byte(token.text, i)) < 0) {
      return fault(token.line, "malformed escape in '{}'", token.text);
    }
    to.push_back(static_cast<std::uint8_t>(byte));
  }
  return {};
}

// Only SVCB and HTTPS have key="value"; elsewhere these are two strings (as in BIND).
void RdataText::split_pairs() {
  if (type_ == dns::Type::svcb || type_ == dns::Type::https) return;
  for (const Token& token : tokens_) {
    const std::size_t quote = token.is_pair ? token.text.find("=\"") + 1 : 0;
    if (quote == 0) {
      split_.push_back(token);
    } else {
      split_.push_back({token.text.substr(0, quote), token.line});
      split_.push_back({token.text.substr(quote + 1, token.text.size() - quote - 2), token.line, true});
    }
  }
  tokens_ = split_;
}

OrFault<Token> RdataText::take(std::string_view expected) {
  if (tokens_.empty()) return fault(line_, "{}: expected {}", to_string(type_), expected);
  const Token token = tokens_.front();
  tokens_ = tokens_.subspan(1);
  line_ = token.line;
  return token;
}

OrFault<> RdataText::finish() {
  if (tokens_.empty()) return {};
  return fault(tokens_.front().line, "{}: unexpected '{}' at the end", to_string(type_), tokens_.front().text);
}

std::unexpected<Fault> RdataText::not_a(std::string_view expected, const Token& token) const {
  return fault(token.line, "{}: expected {}, not '{}'", to_string(type_), expected, token.text);
}

OrFault<> RdataText::name() {
  TRY(const Token token, take("a domain name"));
  std::array<std::uint8_t, dns::kMaxName> name;
  TRY(const std::size_t size, parse_name(token, origin_, name.data()));
  rdata_.insert(rdata_.end(), name.begin(), name.begin() + static_cast<std::ptrdiff_t>(size));
  return {};
}

OrFault<> RdataText::number(unsigned bytes, std::span<const Mnemonic> mnemonics) {
  TRY(const Token token, take("a number"));
  const std::uint32_t most = bytes == 4 ? UINT32_MAX : (1U << (8 * bytes)) - 1;
  std::uint32_t value = 0;
  if (const auto named = number_of(token.text, mnemonics)) {
    value = *named;
  } else if (!parse_number(token.text, value) || value > most) {
    return not_a(fmt::format("a number up to {}", most), token);
  }
  for (unsigned i = bytes; i-- > 0;) rdata_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  return {};
}

OrFault<> RdataText::seconds() {
  if (!tokens_.empty() && is_decimal(tokens_.front().text)) return number(4);
  TRY(const Token token, take("a time in seconds"));
  TRY(const std::uint32_t value, parse_ttl(token));
  put_u16(static_cast<std::uint16_t>(value >> 16));
  put_u16(static_cast<std::uint16_t>(value));
  return {};
}

OrFault<> RdataText::timestamp() {
  TRY(const Token token, take("a time"));
  std::uint32_t value = 0;
  if (!parse_timestamp(token.text, value)) return not_a("a time (YYYYMMDDHHmmSS)", token);
  put_u16(static_cast<std::uint16_t>(value >> 16));
  put_u16(static_cast<std::uint16_t>(value));
  return {};
}

OrFault<> RdataText::ipv4() {
  TRY(const Token token, take("an IPv4 address"));
  std::array<std::uint8_t, 4> address;
  if (!parse_ipv4(token.text, address.data())) return not_a("an IPv4 address", token);
  rdata_.insert(rdata_.end(), address.begin(), address.end());
  return {};
}

OrFault<> RdataText::ipv6() {
  TRY(const Token token, take("an IPv6 address"));
  std::array<char, INET6_ADDRSTRLEN + 1> text{};
  std::array<std::uint8_t, 16> address;
  if (token.text.size() >= text.size()) return not_a("an IPv6 address", token);
  std::ranges::copy(token.text, text.begin());
  if (inet_pton(AF_INET6, text.data(), address.data()) != 1) return not_a("an IPv6 address", token);
  rdata_.insert(rdata_.end(), address.begin(), address.end());
  return {};
}

OrFault<> RdataText::string() {
  TRY(const Token token, take("a string"));
  const std::size_t start = rdata_.size();
  rdata_.push_back(0);
  TRY(unescape(token, rdata_));
  const std::size_t length = rdata_.size() - start - 1;
  if (length > 255) {
    return fault(token.line, "{}: a string of {} bytes, more than 255{}", to_string(type_), length,
                 type_ == dns::Type::txt ? R"(; write several: "..." "...")" : "");
  }
  rdata_[start] = static_cast<std::uint8_t>(length);
  return {};
}

OrFault<> RdataText::strings() {
  do {
    TRY(string());
  } while (!tokens_.empty());
  return {};
}

OrFault<> RdataText::long_string() {
  TRY(const Token token, take("a string"));
  return unescape(token, rdata_);
}

OrFault<> RdataText::covered_type() {
  TRY(const Token token, take("a type"));
  const auto type = dns::parse_type(token.text);
  if (!type) return not_a("a type", token);
  put_u16(static_cast<std::uint16_t>(*type));
  return {};
}

// RFC 4034 section 4.1.2.
OrFault<> RdataText::type_bitmap() {
  std::vector<std::uint16_t> types;
  while (!tokens_.empty()) {
    TRY(const Token token, take("a type"));
    const auto type = dns::parse_type(token.text);
    if (!type) return not_a("a type", token);
    types.push_back(static_cast<std::uint16_t>(*type));
  }
  std::ranges::sort(types);
  std::size_t length_at = 0;
  int window = -1;
  for (const std::uint16_t type : types) {
    if (type >> 8 != window) {
      window = type >> 8;
      rdata_.push_back(static_cast<std::uint8_t>(window));
      length_at = rdata_.size();
      rdata_.push_back(0);
    }
    const std::size_t byte = length_at + 1 + (type & 0xFF) / 8;
    if (rdata_.size() <= byte) rdata_.resize(byte + 1);
    rdata_[byte] = static_cast<std::uint8_t>(rdata_[byte] | 0x80 >> (type & 7));
    rdata_[length_at] = static_cast<std::uint8_t>(rdata_.size() - length_at - 1);
  }
  return {};
}

OrFault<> RdataText::hex() {
  std::string digits;
  do {
    TRY(const Token token, take("hexadecimal digits"));
    digits += token.text;
  } while (!tokens_.empty());
  if (!dns::decode_hex(digits, rdata_)) return fault(line_, "{}: malformed hexadecimal digits", to_string(type_));
  return {};
}

OrFault<> RdataText::base64() {
  std::string digits;
  do {
    TRY(const Token token, take("base64"));
    digits += token.text;
  } while (!tokens_.empty());
  if (!dns::decode_base64(digits, rdata_)) return fault(line_, "{}: malformed base64", to_string(type_));
  return {};
}

OrFault<> RdataText::salt() {
  TRY(const Token token, take("a salt"));
  const std::size_t start = rdata_.size();
  rdata_.push_back(0);
  if (token.text == "-") return {};
  if (token.text.empty() || token.text.size() > 510 || !dns::decode_hex(token.text, rdata_))
    return not_a("a salt", token);
  rdata_[start] = static_cast<std::uint8_t>(rdata_.size() - start - 1);
  return {};
}

OrFault<> RdataText::base32hex_hash() {
  TRY(const Token token, take("a hash in base32hex"));
  std::array<std::uint8_t, 255> hash;
  const std::size_t size = token.text.size() * 5 / 8;
  if (size == 0 || size > hash.size() || !dns::decode_base32hex(token.text, {hash.data(), size})) {
    return not_a("a hash in base32hex", token);
  }
  rdata_.push_back(static_cast<std::uint8_t>(size));
  rdata_.insert(rdata_.end(), hash.begin(), hash.begin() + static_cast<std::ptrdiff_t>(size));
  return {};
}

OrFault<> RdataText::unknown() {
  TRY(take("\\#"));
  TRY(const Token length, take("the length of the data"));
  std::uint16_t size = 0;
  if (!parse_number(length.text, size)) return not_a("a number up to 65535", length);
  if (!tokens_.empty()) TRY(hex());
  if (rdata_.size() != size) {
    return fault(length.line, "{}: {} of data, not {}", to_string(type_), counted(rdata_.size(), "byte"), size);
  }
  return {};
}

}  // namespace swage::zonefile
