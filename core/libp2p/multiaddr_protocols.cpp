#include "core/libp2p/multiaddr_protocols.h"

#include <algorithm>
#include <array>

#include "core/result.h"

namespace swage::libp2p::multiaddr {
namespace {

// Where a code has two names, the first is the one that is written.
constexpr auto kProtocols = std::to_array<ProtocolInfo>({
    {Protocol::ip4, "ip4", Form::ip4},
    {Protocol::tcp, "tcp", Form::port},
    {Protocol::dccp, "dccp", Form::port},
    {Protocol::ip6, "ip6", Form::ip6},
    {Protocol::ip6zone, "ip6zone", Form::text},
    {Protocol::ipcidr, "ipcidr", Form::prefix_length},
    {Protocol::dns, "dns", Form::text},
    {Protocol::dns4, "dns4", Form::text},
    {Protocol::dns6, "dns6", Form::text},
    {Protocol::dnsaddr, "dnsaddr", Form::text},
    {Protocol::sctp, "sctp", Form::port},
    {Protocol::udp, "udp", Form::port},
    {Protocol::p2p_webrtc_star, "p2p-webrtc-star", Form::none},
    {Protocol::p2p_webrtc_direct, "p2p-webrtc-direct", Form::none},
    {Protocol::p2p_stardust, "p2p-stardust", Form::none},
    {Protocol::webrtc_direct, "webrtc-direct", Form::none},
    {Protocol::webrtc, "webrtc", Form::none},
    {Protocol::p2p_circuit, "p2p-circuit", Form::none},
    {Protocol::udt, "udt", Form::none},
    {Protocol::utp, "utp", Form::none},
    {Protocol::unix_path, "unix", Form::path},
    {Protocol::p2p, "p2p", Form::peer_id},
    {Protocol::p2p, "ipfs", Form::peer_id},
    {Protocol::https, "https", Form::none},
    {Protocol::onion, "onion", Form::onion},
    {Protocol::onion3, "onion3", Form::onion3},
    {Protocol::garlic64, "garlic64", Form::garlic64},
    {Protocol::garlic32, "garlic32", Form::garlic32},
    {Protocol::tls, "tls", Form::none},
    {Protocol::sni, "sni", Form::text},
    {Protocol::noise, "noise", Form::none},
    {Protocol::quic, "quic", Form::none},
    {Protocol::quic_v1, "quic-v1", Form::none},
    {Protocol::webtransport, "webtransport", Form::none},
    {Protocol::certhash, "certhash", Form::certhash},
    {Protocol::ws, "ws", Form::none},
    {Protocol::wss, "wss", Form::none},
    {Protocol::p2p_websocket_star, "p2p-websocket-star", Form::none},
    {Protocol::http, "http", Form::none},
    {Protocol::http_path, "http-path", Form::http_path},
    {Protocol::memory, "memory", Form::text},
    {Protocol::plaintextv2, "plaintextv2", Form::none},
});

}  // namespace

const ProtocolInfo* find_protocol(std::string_view name) {
  const auto* const found = std::ranges::find(kProtocols, name, &ProtocolInfo::name);
  return found == kProtocols.end() ? nullptr : found;
}

const ProtocolInfo* find_protocol(std::uint64_t code) {
  const auto* const found = std::ranges::find_if(
      kProtocols, [&](const ProtocolInfo& each) { return static_cast<std::uint32_t>(each.code) == code; });
  return found == kProtocols.end() ? nullptr : found;
}

const ProtocolInfo& info(Protocol protocol) {
  const ProtocolInfo* const found = find_protocol(static_cast<std::uint64_t>(protocol));
  CHECK(found != nullptr);
  return *found;
}

}  // namespace swage::libp2p::multiaddr
