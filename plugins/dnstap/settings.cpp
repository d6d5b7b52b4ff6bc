#include "plugins/dnstap/settings.h"

#include <sys/un.h>

#include "core/async/resolver.h"
#include "core/net.h"

namespace swage::plugins::dnstap {

Result<Target> parse_target(std::string_view text) {
  Target target;
  target.text = text;
  const auto take = [&text](std::string_view scheme) {
    const bool is_it = text.starts_with(scheme);
    if (is_it) text.remove_prefix(scheme.size());
    return is_it;
  };
  const bool tls = take("tls://"), tcp = !tls && take("tcp://");
  if (!tls && !tcp) {
    static_cast<void>(take("unix://"));
    target.path = text;
    constexpr std::size_t kMost = sizeof(sockaddr_un::sun_path) - 1;
    if (text.empty() || text.size() > kMost) return fail("the path of a socket has 1 to {} bytes", kMost);
    return target;
  }
  target.kind = tls ? Target::Kind::tls : Target::Kind::tcp;
  const HostPort parts = HostPort::of(text);
  if (parts.port.empty()) return fail("expected HOST:PORT after '{}://'", tls ? "tls" : "tcp");
  TRY(target.port, parts.port_or(0));
  target.host = parts.host;
  if (!IpAddress::parse(target.host) && !async::is_host_name(target.host)) {
    return fail("'{}' is neither a host name nor an address", target.host);
  }
  return target;
}

}  // namespace swage::plugins::dnstap
