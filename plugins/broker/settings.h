// The settings of a broker's directive. A value; every process.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/config/token.h"
#include "core/dial/dialer.h"
#include "core/dial/rate_limit.h"
#include "core/net.h"
#include "core/proxy_protocol.h"
#include "plugins/broker/certificate_files.h"

namespace swage::plugins::broker {

struct Settings {
  config::Token directive;                      // for errors
  std::string name = "broker";                  // what the Corefile calls it: "acme" in p2p-forge's
  bool from_p2p_forge = false;                  // made of its `acme`: the log says what p2p-forge would
  std::string domain;                           // lower case, without a dot at its end
  std::vector<Endpoint> listen;                 // at least one
  std::optional<CertificateFiles> certificate;  // none: plain HTTP
  bool automatic = false;                       // it is got by ACME: at first there is none
  metrics::Gauge certificate_expiry{};          // seconds since 1970
  std::string secret_file;                      // empty: the broker makes one
  std::string access_token_file;                // empty: the environment's, if any
  std::vector<Prefix> trusted_proxies;
  std::optional<ProxyPolicy> proxy_protocol;             // of the server block: *proxyproto*
  std::vector<std::string> cors;                         // origins whose pages may ask; "*": all; empty: none
  dial::Rate peer_limit{10, std::chrono::hours(1)};      // registrations that are dialled, of a peer
  dial::Rate client_limit{60, std::chrono::minutes(1)};  // and of a client's network
  dial::Settings dial;
};

}  // namespace swage::plugins::broker
