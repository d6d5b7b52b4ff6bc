#include "core/plugin/server_block.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace swage {

std::string ServerBlock::path(std::string_view written) const {
  return written.starts_with('/') || root.empty() ? std::string(written) : fmt::format("{}/{}", root, written);
}

std::vector<Listener> ServerBlock::listeners() const {
  std::vector<Listener> listeners;
  const auto add_new = [&](const Endpoint& endpoint, Scheme scheme, std::string name) {
    const auto is_it = [&](const Listener& each) { return each.endpoint == endpoint; };
    if (std::ranges::none_of(listeners, is_it)) listeners.push_back({endpoint, std::move(name), scheme});
  };
  for (const auto& [port, scheme] : ports) {
    for (const IpAddress& address : addresses) {
      const Endpoint endpoint{address, port, 0};
      add_new(endpoint, scheme, fmt::format("{}://{}", to_string(scheme), endpoint.to_string()));
    }
    if (!addresses.empty()) continue;
    for (const IpAddress& address : everywhere()) {
      add_new({address, port, 0}, scheme, fmt::format("{}://:{}", to_string(scheme), port));
    }
  }
  return listeners;
}

bool ServerBlock::has(std::string_view directive) const {
  const auto found = std::ranges::find(directives, directive, &NamedDirective::name);
  return found != directives.end() && found->present;
}

std::string ServerBlock::known_as(std::string_view directive) const {
  const auto found = std::ranges::find(directives, directive, &NamedDirective::name);
  return found == directives.end() ? std::string(directive) : found->known_as;
}

std::vector<IpAddress> everywhere() { return {IpAddress(), IpAddress::v6(std::array<std::uint8_t, 16>{})}; }

}  // namespace swage
