#include "core/http/written_address.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "core/embedded_ipv4.h"
#include "core/http/grammar.h"
#include "core/text.h"

namespace swage::http {
namespace {

enum class ZerosMean : std::uint8_t { octal, nothing };

bool is_of_address(char c) { return hex_value(c) >= 0 || c == ':' || c == '.' || c == 'x' || c == 'X'; }

std::optional<std::uint64_t> parse_number(std::string_view text, ZerosMean zeros) {
  int base = 10;
  if (text.size() > 2 && (text.starts_with("0x") || text.starts_with("0X"))) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text.starts_with('0') && zeros == ZerosMean::octal) {
    base = 8;
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_digits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

std::string_view without_dots(std::string_view text) {
  while (text.starts_with('.')) text.remove_prefix(1);
  while (text.ends_with('.')) text.remove_suffix(1);
  return text;
}

// As inet_aton(): one to four numbers, the last of which has all bytes that the others leave.
std::optional<IpAddress> parse_v4(std::string_view text, ZerosMean zeros) {
  text = without_dots(text);
  std::uint64_t address = 0;
  for (unsigned left = 4; left > 0; --left) {
    const std::size_t dot = text.find('.');
    const bool is_last = dot == std::string_view::npos;
    const auto number = parse_number(text.substr(0, dot), zeros);
    const unsigned bits = is_last ? 8 * left : 8;
    if (!number || *number >> bits != 0) return std::nullopt;
    address = address << bits | *number;
    if (is_last) {
      if (left == 4 && address >> 24 == 0) return std::nullopt;
      std::array<std::uint8_t, 4> bytes;
      store_u32(bytes.data(), static_cast<std::uint32_t>(address));
      return IpAddress::v4(bytes);
    }
    text.remove_prefix(dot + 1);
  }
  return std::nullopt;
}

// Where its last part has dots, that is read as an IPv4 address is.
std::optional<IpAddress> parse_v6(std::string_view text, ZerosMean zeros) {
  const std::string_view last = text.substr(text.rfind(':') + 1);
  std::string plain(text);
  if (last.find('.') != std::string_view::npos) {
    const auto v4 = parse_v4(last, zeros);
    if (!v4) return std::nullopt;
    plain.replace(text.size() - last.size(), last.size(), v4->to_string());
  }
  const auto address = IpAddress::parse(plain);
  if (!address) return std::nullopt;
  return unmapped(*address);
}

void add(std::vector<IpAddress>& found, const std::optional<IpAddress>& address) {
  if (address && (found.empty() || found.back() != *address)) found.push_back(*address);
}

// One colon is before a port, or what should be one, or after a word; the last of more may be before a port, too.
void read_word(std::string_view word, std::vector<IpAddress>& found) {
  if (word.starts_with(':') && !word.starts_with("::")) word.remove_prefix(1);
  const auto colons = std::ranges::count(word, ':');
  const std::size_t colon = word.find(':'), last = word.rfind(':');
  const bool has_port = colons > 1 && is_digits(word.substr(last + 1));
  for (const ZerosMean zeros : {ZerosMean::nothing, ZerosMean::octal}) {
    if (colons > 1) {
      const auto whole = parse_v6(word, zeros);
      add(found, whole || !has_port ? whole : parse_v6(word.substr(0, last), zeros));
    } else {
      add(found, parse_v4(word.substr(0, colon), zeros));
      if (colons == 1) add(found, parse_v4(word.substr(colon + 1), zeros));
    }
  }
}

}  // namespace

void find_addresses(std::string_view text, std::vector<IpAddress>& found) {
  for (const char* at = text.begin(); at != text.end();) {
    const char* const begin = std::find_if(at, text.end(), is_of_address);
    at = std::find_if_not(begin, text.end(), is_of_address);
    read_word(without_dots({begin, at}), found);
  }
}

}  // namespace swage::http
