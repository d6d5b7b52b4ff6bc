#include "core/dial/target_dialer.h"

#include <fmt/format.h>

#include "core/async/tasks.h"
#include "core/async/tcp.h"
#include "core/dial/dialled_stream.h"
#include "core/websocket/websocket.h"

namespace swage::dial {
namespace {

using async::Task;

// Ten times what handshakes and an identify message of the largest kind take.
constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

// For HTTP's Host (RFC 6455, section 4.1): the port only where it is not the scheme's own.
std::string http_host(const Target& target) {
  const std::uint16_t port = target.endpoint.port;
  if (target.server_name.empty()) return target.endpoint.to_string();
  if (port == (target.transport == Transport::wss ? 443 : 80)) return target.server_name;
  return fmt::format("{}:{}", target.server_name, port);
}

async::TlsContext make_wss_context() {
  auto context = async::TlsContext::unverified_client({"http/1.1"});
  CHECK(context);
  return *std::move(context);
}

}  // namespace

TargetDialer::TargetDialer(async::Loop& loop, Upgrader& upgrader, Timeouts timeouts)
    : loop_(loop), upgrader_(upgrader), wss_(make_wss_context()), timeouts_(timeouts) {}

Task<Result<Secured>> TargetDialer::prove(const Target& target, std::unique_ptr<async::Stream> stream,
                                          libp2p::PeerId peer, Stage& stage) const {
  if (target.transport == Transport::wss) {
    stage = "TLS";
    auto tls =
        std::make_unique<async::TlsStream>(loop_, std::move(stream), wss_, async::TlsSide::client, target.server_name);
    CO_TRY(co_await tls->handshake());
    stream = std::move(tls);
  }
  if (target.transport != Transport::tcp) {
    stage = "websocket";
    std::string host = http_host(target), path = "/";
    CO_TRY(stream, co_await websocket::connect(loop_, std::move(stream), std::move(host), std::move(path)));
  }
  co_return co_await upgrader_.prove(std::move(stream), peer, stage);
}

Task<Result<Dialled>> TargetDialer::dial(const Target& target, libp2p::PeerId peer, Stage& stage) const {
  stage = "connect";
  auto tcp = std::make_unique<async::TcpStream>(loop_);
  auto connecting = tcp->connect(target.endpoint);
  const auto connected = co_await async::within(loop_, timeouts_.connect, std::move(connecting));
  if (!connected) co_return fail("timed out");
  CO_TRY(*connected);
  auto stream = std::make_unique<DialledStream>(std::move(tcp), kMaxBytes);
  DialledStream& carrier = *stream;
  auto proving = prove(target, std::move(stream), peer, stage);
  auto proven = co_await async::within(loop_, timeouts_.handshake, std::move(proving));
  if (!proven) co_return fail("timed out");
  CO_TRY(Secured secured, *std::move(proven));
  co_return Dialled(std::move(secured), carrier);
}

}  // namespace swage::dial
