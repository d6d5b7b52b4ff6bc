#include "plugins/denylist/list_text.h"

#include <algorithm>

#include "core/embedded_ipv4.h"
#include "core/text.h"

namespace swage::plugins::denylist {
namespace {

constexpr std::string_view kSpace = " \t\r\v\f";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kMaxHost = 253;  // characters of a name

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Calls `read` with each line that is not empty, trimmed, and its number; it says false where the line is not of the
// format, nullopt where it is a comment.
template <typename Read>
void for_each_line(std::string_view text, ListText& list, Read read) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::optional<bool> usable = line.empty() ? std::nullopt : read(line, number);
    if (!usable) continue;
    ++list.lines;
    if (*usable) continue;
    if (list.unusable++ == 0) list.first_unusable_line = number;
  }
}

// An address; one of IPv6 may have a zone ("%eth0"), which means nothing here.
std::optional<IpAddress> parse_address(std::string_view text) {
  if (text.size() > kMaxHost) return std::nullopt;
  const std::size_t percent = text.find('%');
  if (percent != std::string_view::npos && percent + 1 == text.size()) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, percent));
  if (!address || (percent != std::string_view::npos && !address->is_v6())) return std::nullopt;
  return *address;
}

Prefix host_prefix(const IpAddress& address) {
  return {address, static_cast<std::uint8_t>(address.is_v6() ? 128 : 32)};
}

constexpr std::uint8_t kWidestV4 = 8, kWidestV6 = 16;     // bits
constexpr std::uint64_t kMaxV4 = std::uint64_t{1} << 30;  // addresses
constexpr std::uint64_t kMaxV6 = std::uint64_t{1} << 52;  // networks of /64

// From `begin` to before `end`: addresses of IPv4, networks of /64 of IPv6.
struct Range {
  std::uint64_t begin = 0, end = 0;
  [[nodiscard]] bool empty() const { return begin >= end; }
  auto operator<=>(const Range&) const = default;
};

// What of a network is between `from` and `to`, where it begins at `begin` and leaves out `free` bits.
Range within(std::uint64_t begin, unsigned free, std::uint64_t from, std::uint64_t to) {
  const std::uint64_t size = free >= 64 ? ~std::uint64_t{0} : std::uint64_t{1} << free;
  const std::uint64_t end = begin > ~size ? ~std::uint64_t{0} : begin + size;
  return {std::max(begin, from), std::min(end, to)};
}

Range public_v4(const Prefix& network) {
  constexpr std::uint64_t kFrom = std::uint64_t{1} << 24, kTo = std::uint64_t{224} << 24;
  return within(load_u32(network.address.bytes().data()), 32U - network.length, kFrom, kTo);
}

// Networks smaller than /64 count for nothing.
Range public_v6(const Prefix& network) {
  constexpr std::uint64_t kFrom = std::uint64_t{0x20} << 56, kTo = std::uint64_t{0x40} << 56;
  if (network.length > 64) return {};
  const Bytes bytes = network.address.bytes();
  return within(std::uint64_t{load_u32(bytes.data())} << 32 | load_u32(bytes.data() + 4), 64U - network.length, kFrom,
                kTo);
}

// How much is in at least one of them.
std::uint64_t covered(std::vector<Range> ranges) {
  std::ranges::sort(ranges);
  std::uint64_t count = 0, reached = 0;
  for (const Range& each : ranges) {
    const std::uint64_t begin = std::max(each.begin, reached);
    if (begin < each.end) count += each.end - begin;
    reached = std::max(reached, each.end);
  }
  return count;
}

bool is_scheme(std::string_view text) {
  const auto may_follow = [](char c) { return is_letter_or_digit(c) || c == '+' || c == '-' || c == '.'; };
  return !text.empty() && is_letter(text[0]) && std::ranges::all_of(text, may_follow);
}

// The host of a URL (RFC 3986 section 3.2.2), in lower case, without brackets; empty where there is none.
std::string host_of(std::string_view url) {
  const std::size_t slashes = url.find("//");
  if (slashes == std::string_view::npos) return {};
  const std::string_view before = url.substr(0, slashes);
  if (!before.empty() && (!before.ends_with(':') || !is_scheme(before.substr(0, before.size() - 1)))) return {};
  std::string_view host = url.substr(slashes + 2);
  host = host.substr(0, host.find_first_of("/?#"));
  host = host.substr(host.rfind('@') + 1);  // npos + 1 is 0
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else {
    host = host.substr(0, host.rfind(':'));
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.size() > kMaxHost) return {};
  return lower_case(host);
}

std::optional<IpAddress> address_of_host(const std::string& host, std::span<const std::string> forge_zones) {
  if (auto address = parse_address(host)) return address;
  const auto is_below = [&](const std::string& zone) {
    return !zone.empty() && host.size() > zone.size() + 1 && host.ends_with(zone) &&
           host[host.size() - zone.size() - 1] == '.';
  };
  if (!std::ranges::any_of(forge_zones, is_below)) return std::nullopt;
  return address_of_label(std::string_view(host).substr(0, host.find('.')));
}

}  // namespace

bool too_wide(const Prefix& network) {
  const Prefix plain = unmapped(network);
  if (!plain.address.is_v6()) return plain.length < kWidestV4 && !public_v4(plain).empty();
  return plain.length < kWidestV6 && !public_v6(plain).empty();
}

bool has_too_much(const std::vector<Prefix>& networks) {
  std::vector<Range> v4, v6;
  for (const Prefix& each : networks) {
    const Prefix plain = unmapped(each);
    const Range range = plain.address.is_v6() ? public_v6(plain) : public_v4(plain);
    if (!range.empty()) (plain.address.is_v6() ? v6 : v4).push_back(range);
  }
  return covered(std::move(v4)) > kMaxV4 || covered(std::move(v6)) > kMaxV6;
}

ListText parse_addresses(std::string_view text, Wide wide) {
  ListText list;
  for_each_line(text, list, [&](std::string_view line, std::size_t number) -> std::optional<bool> {
    line = trim(line.substr(0, line.find_first_of("#;")));
    if (line.empty()) return std::nullopt;
    if (line.size() > kMaxHost) return false;
    if (line.find('/') != std::string_view::npos) {
      const auto prefix = Prefix::parse(line);
      if (!prefix) return false;
      const bool is_wide = too_wide(*prefix);
      if (is_wide && list.wide++ == 0) {
        list.first_wide_line = number;
        list.first_wide = line;
      }
      if (!is_wide || wide == Wide::take) list.entries.push_back(*prefix);
      return true;
    }
    const auto address = parse_address(line);
    if (address) list.entries.push_back(host_prefix(*address));
    return address.has_value();
  });
  return list;
}

ListText parse_urls(std::string_view text, std::span<const std::string> forge_zones) {
  ListText list;
  for_each_line(text, list, [&](std::string_view line, std::size_t) -> std::optional<bool> {
    if (line.starts_with('#')) return std::nullopt;
    const std::string host = host_of(line);
    if (host.empty()) return false;
    if (const auto address = address_of_host(host, forge_zones)) list.entries.push_back(host_prefix(*address));
    return true;
  });
  std::ranges::sort(list.entries);
  const auto repeated = std::ranges::unique(list.entries);
  list.entries.erase(repeated.begin(), repeated.end());
  return list;
}

std::optional<IpAddress> address_of_label(std::string_view label) {
  if (label.size() > 63) return std::nullopt;
  std::string text(label);
  std::ranges::replace(text, '-', '.');
  if (const auto address = IpAddress::parse(text); address && !address->is_v6()) return *address;
  std::ranges::replace(text, '.', ':');
  if (const auto address = IpAddress::parse(text)) return *address;
  // A label may not begin or end with '-': clients write a 0 there, which may be one group too many.
  if (text.starts_with("0::")) text.erase(0, 1);
  if (text.ends_with("::0")) text.pop_back();
  if (const auto address = IpAddress::parse(text)) return *address;
  return std::nullopt;
}

}  // namespace swage::plugins::denylist
