#include "core/config/server_key.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/net.h"
#include "core/text.h"

namespace swage::config {
namespace {

constexpr std::size_t kMaxName = 255;  // bytes on the wire, with all length bytes and the root's
constexpr std::size_t kMaxLabel = 63;

// One reverse zone for each network of whole labels in `prefix`: whole bytes in IPv4, half bytes in IPv6.
std::vector<std::string> reverse_zones(const Prefix& prefix) {
  const bool v6 = prefix.address.is_v6();
  const unsigned width = v6 ? 4 : 8;  // bits of a label
  const unsigned labels = (prefix.length + width - 1) / width;
  const unsigned count = 1U << (labels * width - prefix.length);
  const Bytes bytes = prefix.address.bytes();
  std::vector<std::string> zones;
  for (unsigned i = 0; i < count; ++i) {
    std::string zone;
    for (unsigned label = labels; label-- > 0;) {
      unsigned value = v6 ? (bytes[label / 2] >> (label % 2 == 0 ? 4U : 0U)) & 0xFU : bytes[label];
      if (label + 1 == labels) value += i;
      zone += v6 ? fmt::format("{:x}.", value) : fmt::format("{}.", value);
    }
    zones.push_back(zone + (v6 ? "ip6.arpa." : "in-addr.arpa."));
  }
  return zones;
}

// What is wrong with a character of a zone; nullptr if nothing.
const char* objection(char character) {
  const auto byte = static_cast<unsigned char>(character);
  if (byte >= 0x80) return "write what is not ASCII as punycode, xn--…";
  if (byte <= ' ' || byte == 0x7F) return "it has white space or a control character";
  if (character == '{' || character == '}') return "a brace stands alone, with blanks around it";
  if (character == ':') return "':' must be followed by a port, 1 to 65535";
  if (character == '(' || character == ')') return "a snippet is '(name) {' on a line of its own";
  return character == '"' ? "a quote cannot be in it" : nullptr;
}

// How many characters the escaped or plain byte at the start of `text` takes (RFC 1035 section 5.1); 0 if it is none.
std::size_t byte_size(std::string_view text) {
  if (text.front() != '\\') return 1;
  if (text.size() < 2) return 0;
  if (!is_digit(text[1])) return 2;
  const std::string_view digits = text.substr(1, 3);
  return digits.size() == 3 && is_decimal(digits) && digits <= "255" ? 4 : 0;
}

Result<std::string> domain_name(std::string_view text) {
  std::string name(text);
  if (name == ".") return name;
  if (!name.ends_with('.') || name.ends_with("\\.")) name += '.';
  std::size_t wire = 1;
  std::size_t label = 0;
  for (std::size_t at = 0; at < name.size();) {
    if (const char* why = objection(name[at])) return fail("'{}' is not a valid zone: {}", text, why);
    if (name[at] == '.') {
      if (label == 0) return fail("'{}' is not a valid zone: it has an empty label", text);
      if (label > kMaxLabel) return fail("'{}' is not a valid zone: a label has more than {} bytes", text, kMaxLabel);
      wire += label + 1;
      label = 0;
      ++at;
      continue;
    }
    const std::size_t size = byte_size(std::string_view(name).substr(at));
    if (size == 0) return fail("'{}' is not a valid zone: expected '\\.' or '\\DDD' at its '\\'", text);
    ++label;
    at += size;
  }
  if (wire > kMaxName) return fail("'{}' is not a valid zone: it has more than {} bytes", text, kMaxName);
  return lower_case(name);
}

Result<std::vector<std::string>> plain_zones(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos && IpAddress::parse(text.substr(0, slash))) {
    TRY(const Prefix prefix, Prefix::parse(text));
    return reverse_zones(prefix);
  }
  TRY(auto name, domain_name(text));
  return std::vector<std::string>{std::move(name)};
}

}  // namespace

Result<Key> parse_key(std::string_view text) {
  Key key;
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    const std::string_view name = text.substr(0, scheme);
    const auto is_it = [name](Scheme each) { return to_string(each) == name; };
    constexpr std::array kSchemes = {Scheme::dns, Scheme::tls, Scheme::https};
    const auto* const found = std::ranges::find_if(kSchemes, is_it);
    if (found == kSchemes.end()) {
      return fail("transport '{}' is not supported; expected dns://, tls://, https:// or none", name);
    }
    key.scheme = *found;
    text.remove_prefix(scheme + 3);
  }
  if (const auto address = IpAddress::parse(text)) {
    return fail("'{}' is an address; its reverse zone is written {}/{}", text, text, address->is_v6() ? 128 : 32);
  }
  std::string_view zone = text;
  if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    const std::string_view port = text.substr(colon + 1);
    if (port.empty()) return fail("'{}': expected a port after ':'", text);
    if (is_decimal(port)) {
      std::uint16_t number = 0;
      if (!parse_number(port, number) || number == 0) return fail("'{}' is not a port; expected 1 to 65535", port);
      key.port = number;
      zone = text.substr(0, colon);
    }
  }
  if (zone.empty()) return fail("'{}' has no zone; the root is '.'", text);
  TRY(key.zones, plain_zones(zone));
  return key;
}

Result<std::vector<std::string>> zones_of(std::string_view text) {
  TRY(Key key, parse_key(text));
  return std::move(key.zones);
}

}  // namespace swage::config
