// The broker plugin: registrations of libp2p nodes over HTTP. Broker is its Service: it owns the listeners, the secret
// and the certificate; what a request means is Api's and Registrar's. In the service process.
#pragma once

#include <chrono>
#include <optional>

#include "core/crypto/random.h"
#include "core/crypto/secret.h"
#include "core/forge/challenge_store.h"
#include "core/plugin/follow.h"
#include "core/plugin/plugin.h"
#include "core/plugin/report.h"
#include "plugins/broker/journal.h"
#include "plugins/broker/registration.h"
#include "plugins/broker/settings.h"

namespace swage::http {
class Server;
}

namespace swage::plugins::broker {

class Broker : public Service, public Reporter {
 public:
  // `challenges` is acme-txt's memory; `secret` where the broker keeps its own secret, if that has no file.
  Broker(Settings settings, shm::Shared& challenges, shm::ServiceMemory& secret, denylist::Denylist denylist = {},
         Measures measures = {})
      : settings_(std::move(settings)),
        challenges_(challenges),
        kept_secret_(secret),
        denylist_(std::move(denylist)),
        measures_(std::move(measures)),
        journal_(settings_.name, measures_, Clocks::system().steady),
        certificate_files_(settings_.name,
                           settings_.certificate ? settings_.certificate->paths() : std::vector<std::string>(),
                           {.every = kLook, .settled = kLook}) {}

  // Reads the files that the directive names; an Error names its line.
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  // False as long as the files cannot be read.
  [[nodiscard]] bool ready() const override { return ready_; }
  void measure() override { journal_.measure(); }
  void report(Report& report, Report::Topic topic) override {
    if (topic == Report::Topic::registrations) journal_.report(report);
  }

 private:
  // Between two looks at the certificate's files, of which the same must have been found twice: one of them may be
  // half-written, or the key not yet the chain's.
  static constexpr std::chrono::seconds kLook{1};

  [[nodiscard]] Result<> read_files();
  [[nodiscard]] Result<> read_certificate();
  void tell(const Result<crypto::ChainReport>& certificate) const;
  [[nodiscard]] Result<crypto::Secret> find_secret();
  [[nodiscard]] Result<std::optional<crypto::Secret>> find_access_token() const;
  [[nodiscard]] Result<> listen(Host& host, http::Server& server) const;
  void say_open(bool open) const;
  [[nodiscard]] async::Task<bool> readied(Host& host);
  [[nodiscard]] async::Task<Result<>> serve(Host& host);
  [[nodiscard]] async::Task<> follow_certificate(Host& host, http::Server& server);
  [[nodiscard]] Rules rules();

  const Settings settings_;
  shm::Shared& challenges_;
  shm::ServiceMemory& kept_secret_;
  const denylist::Denylist denylist_;
  const Measures measures_;
  Journal journal_;
  crypto::SystemRandom random_;

  bool ready_ = false;      // what prepare() reads is here
  bool certified_ = false;  // the certificate is not a provisional one
  std::optional<crypto::Secret> secret_, access_token_;
  std::optional<async::TlsContext> tls_;
  FollowedFiles certificate_files_;
};

// broker DOMAIN { listen … ; tls … ; acme { … } ; secret … ; access-token … ; trusted-proxy … ; cors … ; limit … ; dial
// { … } }
[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::broker
