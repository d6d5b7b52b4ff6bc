#include "core/peer/url.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "core/async/resolver.h"
#include "core/net.h"

namespace swage::peer {
namespace {

std::uint16_t own_port(bool https) { return https ? 443 : 80; }

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stopped != end || port == 0) return std::nullopt;
  return port;
}

bool is_path(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; });
}

struct Authority {
  std::string_view host;  // without brackets
  std::optional<std::uint16_t> port;
};

std::optional<Authority> split(std::string_view text) {
  Authority parts;
  const bool brackets = text.starts_with('[');
  const std::size_t end = std::min(text.find(brackets ? ']' : ':'), text.size());
  parts.host = text.substr(brackets, end - brackets);
  const auto address = IpAddress::parse(parts.host);
  if (brackets ? !address || !address->is_v6() : !address && !async::is_host_name(parts.host)) return std::nullopt;
  if (brackets && end == text.size()) return std::nullopt;
  const std::string_view rest = text.substr(end + brackets);
  if (rest.empty()) return parts;
  if (rest.starts_with(':')) parts.port = parse_port(rest.substr(1));
  if (!parts.port) return std::nullopt;
  return parts;
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  Url url;
  if (text.starts_with("https://")) {
    url.https = true;
  } else if (!text.starts_with("http://")) {
    return fail("'{}': expected http:// or https://", text);
  }
  text.remove_prefix(url.scheme().size() + 3);
  const std::size_t slash = std::min(text.find('/'), text.size());
  url.path = text.substr(slash);
  if (!is_path(url.path)) return fail("'{}': expected a path, without '?' and '#'", url.path);
  return url.with_host(text.substr(0, slash));
}

Result<Url> Url::with_host(std::string_view text) const {
  const auto parts = split(text);
  if (!parts) return fail("'{}': expected a host, or HOST:PORT", text);
  Url url = *this;
  url.host = parts->host;
  url.port_written = parts->port.has_value();
  url.port = parts->port.value_or(own_port(https));
  return url;
}

std::string Url::host_in_brackets() const { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

std::string Url::authority() const {
  return port == own_port(https) ? host_in_brackets() : fmt::format("{}:{}", host_in_brackets(), port);
}

std::string Url::authority_as_written() const {
  return port_written ? fmt::format("{}:{}", host_in_brackets(), port) : host_in_brackets();
}

}  // namespace swage::peer
