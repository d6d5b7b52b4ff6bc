// The broker plugin: registrations of libp2p nodes over HTTP. Broker is its Service: it owns the listeners, the secret
// and the certificate; what a request means is Api's and Registrar's. In the service process.
#pragma once

#include <chrono>
#include <optional>

#include "core/async/event.h"
#include "core/crypto/random.h"
#include "core/crypto/secret.h"
#include "core/forge/challenge_store.h"
#include "core/plugin/plugin.h"
#include "plugins/broker/journal.h"
#include "plugins/broker/registration.h"
#include "plugins/broker/settings.h"

namespace swage::http {
class Server;
}

namespace swage::plugins::broker {

class Broker : public Service {
 public:
  // `challenges` is acme-txt's memory; `secret` where the broker keeps its own secret, if that has no file.
  Broker(Settings settings, shm::Shared& challenges, shm::Shared& secret, denylist::Denylist denylist = {},
         Measures measures = {})
      : settings_(std::move(settings)),
        challenges_(challenges),
        kept_secret_(secret),
        denylist_(std::move(denylist)),
        measures_(std::move(measures)),
        journal_(settings_.name, measures_, Clocks::system().steady) {}

  // Reads the files that the directive names; an Error names its line.
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  void stop() override;
  // False as long as the files cannot be read.
  [[nodiscard]] bool ready() const override { return ready_; }
  void measure() override { journal_.measure(); }

 private:
  [[nodiscard]] Result<> read_files();
  void tell(const Result<crypto::ChainReport>& certificate) const;
  [[nodiscard]] Result<crypto::Secret> find_secret();
  [[nodiscard]] Result<std::optional<crypto::Secret>> find_access_token() const;
  [[nodiscard]] Result<> listen(Host& host, http::Server& server) const;
  void say_open(bool open) const;
  [[nodiscard]] async::Task<bool> readied();
  [[nodiscard]] async::Task<Result<>> serve(Host& host);
  [[nodiscard]] async::Task<> renew_certificate(async::Loop& loop, http::Server& server);
  [[nodiscard]] Rules rules();

  const Settings settings_;
  shm::Shared& challenges_;
  shm::Shared& kept_secret_;
  const denylist::Denylist denylist_;
  const Measures measures_;
  Journal journal_;
  crypto::SystemRandom random_;

  bool ready_ = false;  // what prepare() reads is here
  std::optional<crypto::Secret> secret_, access_token_;
  std::optional<async::TlsContext> tls_;
  CertificateFiles::Stamp loaded_, seen_;  // of the certificate in use, or of the one that failed; and the last look

  std::optional<async::Event> stopping_, ending_;  // while it runs: stop() was called, and called again
  bool stopped_ = false;
};

// broker DOMAIN { listen … ; tls … ; secret … ; access-token … ; trusted-proxy … ; cors … ; limit … ; dial { … } }
[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::broker
