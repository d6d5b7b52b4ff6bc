// ListenerTls: how the connections of one listener are encrypted: the newest certificate and keys that the service
// process has published (core/plugin/tls_memory.h), as what OpenSSL takes. In dns processes.
#pragma once

#include <array>
#include <optional>

#include "core/async/tls.h"
#include "core/plugin/server_block.h"
#include "core/plugin/tls_memory.h"

namespace swage::server {

class ListenerTls {
 public:
  // `settings`, and what they point to, must outlive it.
  ListenerTls(const TlsSettings& settings, Scheme scheme) : settings_(settings), scheme_(scheme) {}

  // For a new connection. Where there is no certificate, one with which every handshake fails.
  [[nodiscard]] const async::TlsContext& context();

 private:
  [[nodiscard]] async::TlsServer server(const tls_memory::Identity& identity) const;

  const TlsSettings& settings_;
  Scheme scheme_;
  std::array<std::uint8_t, tls_memory::kVersion> version_{};  // that context_ is made of
  std::optional<async::TlsContext> context_;
};

}  // namespace swage::server
