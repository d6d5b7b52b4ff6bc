// Identity: the Service that publishes a certificate and its key, and the authorities of clients, for dns processes,
// and follows their files. In the service process.
#pragma once

#include <string>
#include <vector>

#include "core/async/tls_clients.h"
#include "core/metrics/registry.h"
#include "core/plugin/follow.h"
#include "core/plugin/service.h"
#include "core/shm/snapshot.h"

namespace swage::plugins::tls {

struct Files {
  std::string chain, key;
  std::string authorities{};  // of clients; empty: none
  async::TlsClients clients = async::TlsClients::none;
  bool automatic = false;  // somebody is getting the certificate: at first there may be none

  [[nodiscard]] std::vector<std::string> paths() const;
};

class Identity : public Service {
 public:
  // `expiry`: when the certificate ends, seconds since 1970; 0: there is none.
  Identity(Files files, shm::Snapshot& snapshot, metrics::Gauge expiry);

  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  [[nodiscard]] bool ready() const override { return !snapshot_.bytes().empty(); }

 private:
  struct Read {
    shm::Segment memory;
    std::int64_t expires = 0;
  };
  [[nodiscard]] Result<Read> read() const;
  [[nodiscard]] Result<> publish(Result<Read> read);
  [[nodiscard]] bool is_missing() const;

  Files files_;
  shm::Snapshot& snapshot_;
  metrics::Gauge expiry_;
  FollowedFiles followed_;
};

}  // namespace swage::plugins::tls
