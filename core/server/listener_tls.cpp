#include "core/server/listener_tls.h"

#include <algorithm>

#include "core/log.h"
#include "core/shm/snapshot.h"

namespace swage::server {

async::TlsServer ListenerTls::server(const tls_memory::Identity& identity) const {
  async::TlsServer server{
      .certificate = {identity.chain, identity.key}, .clients = settings_.clients, .authorities = identity.authorities};
  if (scheme_ == Scheme::https) {
    server.alpn = {"h2", "http/1.1"};
  } else {
    server.alpn = {"dot"};
  }
  if (identity.chain.empty()) server.clients = async::TlsClients::none;
  const shm::Snapshot* const tickets = settings_.tickets;
  if (tickets != nullptr) server.tickets = [tickets] { return tls_memory::ticket_keys(tickets->bytes()); };
  return server;
}

const async::TlsContext& ListenerTls::context() {
  const tls_memory::Identity identity = tls_memory::read_identity(settings_.identity->bytes());
  if (context_ && std::ranges::equal(version_, identity.version.empty() ? Bytes(version_) : identity.version)) {
    return *context_;
  }
  Result<async::TlsContext> made = async::TlsContext::server(server(identity));
  if (!made) {  // the service process has looked at it before
    log::error("tls: {}", made.error().text());
    made = async::TlsContext::server(server({}));
  }
  CHECK(made);
  context_ = *std::move(made);
  std::ranges::copy(identity.version, version_.begin());
  return *context_;
}

}  // namespace swage::server
