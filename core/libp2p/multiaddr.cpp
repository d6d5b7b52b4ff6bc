#include "core/libp2p/multiaddr.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/libp2p/multiaddr_values.h"
#include "core/libp2p/varint.h"
#include "core/text.h"

namespace swage::libp2p {
namespace {

using multiaddr::Component;
using multiaddr::Form;
using multiaddr::ProtocolInfo;
using Kind = MultiaddrError::Kind;

std::unexpected<MultiaddrError> failure(Kind kind, std::string text) {
  return std::unexpected(MultiaddrError(kind, std::move(text)));
}

std::unexpected<MultiaddrError> bad_value(const ProtocolInfo& protocol, const Error& error) {
  return failure(Kind::bad_value, fmt::format("{}: {}", protocol.name, error.text()));
}

// What can stand in a line of a log.
std::string shown(std::string_view name) { return printable(name.substr(0, 40)); }

std::expected<Component, MultiaddrError> take_text(std::string_view& rest);
std::expected<Component, MultiaddrError> take_binary(Bytes& rest);

// Takes components from the front of `rest` until it is empty.
template <typename Rest, typename Take>
std::expected<std::vector<Component>, MultiaddrError> take_all(Rest rest, Take take) {
  std::vector<Component> components;
  components.reserve(4);  // as many as most have
  bool ended = false;     // by a path
  while (!rest.empty()) {
    if (ended) return failure(Kind::malformed, "something after a path");
    if (components.size() == Multiaddr::kMaxComponents) return failure(Kind::too_long, "too many components");
    TRY(Component component, take(rest));
    ended = multiaddr::info(component.protocol).form == Form::path;
    components.push_back(std::move(component));
  }
  if (components.empty()) return failure(Kind::malformed, "an empty multiaddr");
  return components;
}

// What stands between the '/' that `rest` begins with and the next one.
std::string_view take_part(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('/', 1), rest.size());
  const std::string_view part = rest.substr(1, end - 1);
  rest.remove_prefix(end);
  return part;
}

std::expected<Component, MultiaddrError> take_text(std::string_view& rest) {
  if (rest[0] != '/') return failure(Kind::malformed, "a multiaddr begins with '/'");
  const std::string_view name = take_part(rest);
  if (name.empty()) return failure(Kind::malformed, "no protocol between two '/'");
  const ProtocolInfo* const protocol = multiaddr::find_protocol(name);
  if (protocol == nullptr) return failure(Kind::unknown_protocol, "unknown protocol " + shown(name));
  if (protocol->form == Form::none) return Component{protocol->code, {}};
  if (rest.empty()) return failure(Kind::malformed, fmt::format("no value after {}", name));
  const std::string_view text = protocol->form == Form::path ? std::exchange(rest, {}) : take_part(rest);
  auto value = multiaddr::value_from_text(protocol->form, text);
  if (!value) return bad_value(*protocol, value.error());
  return Component{protocol->code, *std::move(value)};
}

std::expected<std::uint64_t, MultiaddrError> take_varint(Bytes& rest) {
  const auto decoded = varint::read(rest);
  if (!decoded) return failure(Kind::malformed, "bad varint");
  rest = rest.subspan(decoded->size);
  return decoded->value;
}

std::expected<Component, MultiaddrError> take_binary(Bytes& rest) {
  TRY(const std::uint64_t code, take_varint(rest));
  const ProtocolInfo* const protocol = multiaddr::find_protocol(code);
  if (protocol == nullptr) return failure(Kind::unknown_protocol, fmt::format("unknown protocol {}", code));
  std::uint64_t size = 0;
  if (const auto fixed = multiaddr::fixed_size(protocol->form)) {
    size = *fixed;
  } else {
    TRY(size, take_varint(rest));
  }
  if (size > rest.size()) return failure(Kind::malformed, fmt::format("the value of {} is cut off", protocol->name));
  const Bytes value = rest.first(size);
  if (auto good = multiaddr::check_value(protocol->form, value); !good) return bad_value(*protocol, good.error());
  rest = rest.subspan(size);
  return Component{protocol->code, {value.begin(), value.end()}};
}

}  // namespace

namespace multiaddr {

std::optional<IpAddress> Component::ip() const {
  const Form form = info(protocol).form;
  if (form == Form::ip4) return IpAddress::v4(value);
  if (form == Form::ip6) return IpAddress::v6(value);
  return std::nullopt;
}

std::optional<std::uint16_t> Component::port() const {
  if (info(protocol).form != Form::port) return std::nullopt;
  return load_u16(value.data());
}

std::optional<PeerId> Component::peer_id() const {
  if (info(protocol).form != Form::peer_id) return std::nullopt;
  const auto id = PeerId::from_multihash(value);
  return id ? std::optional(*id) : std::nullopt;
}

std::optional<std::string_view> Component::text() const {
  if (info(protocol).form != Form::text) return std::nullopt;
  return as_text(value);
}

}  // namespace multiaddr

std::expected<Multiaddr, MultiaddrError> Multiaddr::parse(std::string_view text) {
  if (text.size() > kMaxText) return failure(Kind::too_long, fmt::format("{} characters", text.size()));
  while (text.ends_with('/')) text.remove_suffix(1);
  Multiaddr address;
  TRY(address.components_, take_all(text, take_text));
  if (address.to_bytes().size() > kMaxBytes) return failure(Kind::too_long, "too many bytes");
  return address;
}

std::expected<Multiaddr, MultiaddrError> Multiaddr::from_bytes(Bytes bytes) {
  if (bytes.size() > kMaxBytes) return failure(Kind::too_long, fmt::format("{} bytes", bytes.size()));
  Multiaddr address;
  TRY(address.components_, take_all(bytes, take_binary));
  return address;
}

std::string Multiaddr::to_string() const {
  std::string text;
  for (const Component& each : components_) {
    const ProtocolInfo& protocol = multiaddr::info(each.protocol);
    text.append("/").append(protocol.name);
    if (protocol.form == Form::none) continue;
    if (protocol.form != Form::path) text += '/';  // a path has its own
    text += multiaddr::value_to_text(protocol.form, each.value);
  }
  return text;
}

std::vector<std::uint8_t> Multiaddr::to_bytes() const {
  std::vector<std::uint8_t> bytes;
  for (const Component& each : components_) {
    varint::append(bytes, static_cast<std::uint64_t>(each.protocol));
    if (!multiaddr::fixed_size(multiaddr::info(each.protocol).form)) varint::append(bytes, each.value.size());
    bytes.insert(bytes.end(), each.value.begin(), each.value.end());
  }
  return bytes;
}

bool Multiaddr::contains(multiaddr::Protocol protocol) const {
  return std::ranges::find(components_, protocol, &Component::protocol) != components_.end();
}

}  // namespace swage::libp2p
