#include "core/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "core/embedded_ipv4.h"
#include "core/text.h"

namespace swage {
namespace {

using Found = ProxyHeader::Found;
using namespace std::string_view_literals;

constexpr std::string_view kText = "PROXY "sv, kBinary = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t kMostText = 107, kBinaryHead = 16;

ProxyHeader of(Found found) { return {.found = found}; }

// Whether `bytes` begin with `start`, as far as there are bytes.
bool may_begin(std::string_view bytes, std::string_view start) {
  return start.substr(0, bytes.size()) == bytes.substr(0, start.size());
}

// The next word of a text, up to a single space.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  if (!parse_number(text, port) || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return port;
}

std::optional<Endpoint> parse_endpoint(std::string_view address, std::string_view port, bool v6) {
  const Result<IpAddress> parsed = IpAddress::parse(address);
  const std::optional<std::uint16_t> number = parse_port(port);
  if (!parsed || parsed->is_v6() != v6 || !number) return std::nullopt;
  return Endpoint{unmapped(*parsed), *number, 0};
}

// Version 1: "PROXY TCP4 192.0.2.7 192.0.2.1 50000 53\r\n".
ProxyHeader read_text(std::string_view bytes) {
  const std::string_view most = bytes.substr(0, kMostText);
  const std::size_t end = most.find('\n');
  if (end == std::string_view::npos) return of(bytes.size() < kMostText ? Found::incomplete : Found::malformed);
  if (most[end - 1] != '\r') return of(Found::malformed);
  std::string_view line = most.substr(kText.size(), end - 1 - kText.size());
  ProxyHeader header{.found = Found::header, .size = end + 1};
  const std::string_view protocol = take_word(line);
  if (protocol == "UNKNOWN") return header;
  const bool v6 = protocol == "TCP6";
  if (!v6 && protocol != "TCP4") return of(Found::malformed);
  const std::string_view client = take_word(line), server = take_word(line), client_port = take_word(line);
  const auto from = parse_endpoint(client, client_port, v6), to = parse_endpoint(server, line, v6);
  if (!from || !to) return of(Found::malformed);
  header.names_client = true;
  header.client = *from;
  header.server = *to;
  return header;
}

// Type, length and value, one after another, to the end.
bool are_whole(Bytes values) {
  while (values.size() >= 3) {
    const std::size_t size = load_u16(&values[1]);
    if (size > values.size() - 3) return false;
    values = values.subspan(3 + size);
  }
  return values.empty();
}

// Version 2: the signature, version and command, family and transport, the length of what follows: the addresses, their
// ports, and more.
ProxyHeader read_binary(Bytes bytes) {
  const auto broken = of(Found::malformed);
  if (bytes.size() > 12 && bytes[12] >> 4 != 2) return broken;
  if (bytes.size() < kBinaryHead) return of(Found::incomplete);
  const std::uint8_t command = bytes[12] & 0xF, family = bytes[13] >> 4, transport = bytes[13] & 0xF;
  ProxyHeader header{.found = Found::header, .size = kBinaryHead + load_u16(&bytes[14])};
  if (command > 1 || family > 3 || transport > 2 || header.size > kMostProxyHeader) return broken;
  if (bytes.size() < header.size) return of(Found::incomplete);
  constexpr std::array<std::size_t, 4> kAddresses = {0, 12, 36, 216};
  const Bytes body = bytes.subspan(kBinaryHead, header.size - kBinaryHead);
  if (command == 0) return header;  // LOCAL: the proxy's own, whatever else it says
  const std::size_t size = kAddresses[family];
  if (body.size() < size) return broken;
  if (family == 0 || transport == 0) return header;  // whatever it says, nobody knows what
  if (!are_whole(body.subspan(size))) return broken;
  if (family == 3) return header;  // a Unix socket
  const std::size_t each = family == 1 ? 4 : 16;
  const auto address = [&](std::size_t at) {
    return family == 1 ? IpAddress::v4(body.subspan(at, each)) : unmapped(IpAddress::v6(body.subspan(at, each)));
  };
  header.names_client = true;
  header.client = {address(0), load_u16(&body[2 * each]), 0};
  header.server = {address(each), load_u16(&body[2 * each + 2]), 0};
  return header;
}

}  // namespace

ProxyHeader read_proxy_header(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  if (bytes.size() >= kBinary.size() && text.starts_with(kBinary)) return read_binary(bytes);
  if (bytes.size() >= kText.size() && text.starts_with(kText)) return read_text(text);
  const bool may_come = may_begin(text, kBinary) || may_begin(text, kText);
  return of(may_come ? Found::incomplete : Found::none);
}

ProxyPolicy::Rule ProxyPolicy::rule_for(const IpAddress& sender) const {
  const IpAddress plain = unmapped(sender);
  const bool is_allowed = std::ranges::any_of(allowed, [&](const Prefix& each) { return each.contains(plain); });
  return is_allowed ? Rule::use : others;
}

ProxyPolicy::Verdict ProxyPolicy::judge(Bytes bytes, const Endpoint& sender) const {
  using Do = Verdict::Do;
  const Rule rule = rule_for(sender.address);
  if (rule == Rule::skip) return {.what = Do::serve, .size = 0, .client = sender};
  const ProxyHeader header = read_proxy_header(bytes);
  switch (header.found) {
    case Found::none:
      return {.what = Do::serve, .size = 0, .client = sender};
    case Found::incomplete:
      return {.what = Do::wait, .size = 0, .client = sender};
    case Found::malformed:
      return {.what = Do::refuse, .size = 0, .client = sender};
    case Found::header:
      break;
  }
  if (rule == Rule::reject) return {.what = Do::refuse, .size = 0, .client = sender};
  const bool named = rule == Rule::use && header.names_client;
  return {.what = Do::serve, .size = header.size, .client = named ? header.client : sender};
}

}  // namespace swage
