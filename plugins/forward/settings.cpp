#include "plugins/forward/settings.h"

#include <algorithm>

#include "core/async/resolver.h"
#include "core/text.h"

namespace swage::plugins::forward {
namespace {

// Takes "%NAME" out, which stands before the port.
std::string take_server_name(std::string& text) {
  const std::size_t start = text.find('%');
  if (start == text.npos) return {};
  const std::size_t end = std::min(text.find_first_of("]:", start), text.size());
  std::string name = text.substr(start + 1, end - start - 1);
  text.erase(start, end - start);
  return name;
}

}  // namespace

Result<To> parse_to(std::string_view text) {
  To to;
  std::string rest(text);
  const std::size_t transport = text.find("://");
  if (transport != text.npos) {
    const std::string_view name = text.substr(0, transport);
    if (name != "dns" && name != "tls" && name != "https") {
      return fail("'{}': upstreams are asked by dns://, tls:// and https://, not by {}://", text, name);
    }
    to.tls = name == "tls";
    to.https = name == "https";
    rest = text.substr(transport + 3);
    if (to.https && rest.find('/') != rest.npos) return fail("'{}' has a path: /dns-query is what is asked for", text);
    if (to.tls || to.https) to.server_name = take_server_name(rest);
  }
  if (transport == text.npos && text.find('/') != text.npos) {
    to.path = text;
    return to;
  }
  const HostPort written = HostPort::of(rest);
  const Result<std::uint16_t> port = written.port_or(to.https ? kHttpsPort : to.tls ? kTlsPort : kDnsPort);
  if (!port) return fail("'{}': {}", text, port.error().text());
  to.port = *port;
  if (const Result<IpAddress> address = IpAddress::parse(written.host)) {
    to.endpoint = Endpoint{.address = *address, .port = to.port};
    return to;
  }
  const std::string_view host = written.host.substr(0, written.host.size() - written.host.ends_with('.'));
  if (async::is_host_name(host)) to.host = lower_case(host);
  if (transport == text.npos) to.path = text;
  if (to.host.empty() && to.path.empty()) {
    return fail("'{}' is not an address with or without a port, nor the name of a host", text);
  }
  return to;
}

Result<dns::Rcode> parse_rcode(std::string_view text) {
  constexpr unsigned kKnown = 24;
  for (unsigned number = 0; number < kKnown; ++number) {
    if (equal_without_case(dns::to_string(static_cast<dns::Rcode>(number)), text)) {
      return static_cast<dns::Rcode>(number);
    }
  }
  return fail("'{}' is not an rcode, NXDOMAIN say", text);
}

std::vector<Endpoint> nameservers_in(std::string_view resolv_conf) {
  std::vector<Endpoint> found;
  while (!resolv_conf.empty()) {
    const std::size_t end = std::min(resolv_conf.find('\n'), resolv_conf.size());
    std::string_view line = resolv_conf.substr(0, end);
    resolv_conf.remove_prefix(std::min(end + 1, resolv_conf.size()));
    if (take_word(line) != "nameserver") continue;
    if (const Result<IpAddress> address = IpAddress::parse(take_word(line))) {
      found.push_back({.address = *address, .port = kDnsPort});
    }
  }
  return found;
}

}  // namespace swage::plugins::forward
