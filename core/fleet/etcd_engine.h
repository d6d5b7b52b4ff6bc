// EtcdEngine: the Engine of a fleet, with etcd (core/etcd): its revisions, leases and watches are what the protocol is
// made for.
#pragma once

#include <string>

#include "core/async/loop.h"
#include "core/etcd/client.h"
#include "core/fleet/engine.h"

namespace swage::fleet {

class EtcdEngine : public Engine {
 public:
  // Its keys are those of etcd that begin with `root`, "/swage/libp2p.direct/".
  EtcdEngine(async::Loop& loop, const etcd::Settings& settings, std::string root)
      : client_(loop, settings), reader_(loop, for_reading(settings)), root_(std::move(root)) {}

  [[nodiscard]] async::Task<OrEngineError<Revision>> read(KeyRange range, Revision at, Take take) override;
  [[nodiscard]] async::Task<OrEngineError<std::vector<Entry>>> find(std::vector<std::string> keys) override;
  [[nodiscard]] std::unique_ptr<Watch> watch(KeyRange range, Revision seen) override;
  [[nodiscard]] async::Task<OrEngineError<std::optional<Revision>>> change(Transaction transaction) override;
  [[nodiscard]] async::Task<OrEngineError<Lease>> grant(std::chrono::seconds time) override;
  [[nodiscard]] async::Task<OrEngineError<>> renew(Lease lease) override;
  [[nodiscard]] async::Task<OrEngineError<>> revoke(Lease lease) override;
  [[nodiscard]] Counts counts() const override;

  // Another one than the settings have.
  void use_password(const std::string& password) {
    client_.use_password(password);
    reader_.use_password(password);
  }

 private:
  class Stream;
  [[nodiscard]] static etcd::Settings for_reading(etcd::Settings settings);
  [[nodiscard]] etcd::Range in_etcd(const KeyRange& range) const;

  etcd::Client client_;
  etcd::Client reader_;  // of everything: it takes its time
  std::string root_;
};

}  // namespace swage::fleet
