// The certificate and key of the broker as files that somebody renews while the server runs. I/O; any thread.
#pragma once

#include <string>
#include <vector>

#include "core/async/tls.h"
#include "core/crypto/chain.h"
#include "core/result.h"

namespace swage::plugins::broker {

class CertificateFiles {
 public:
  // PEM: the chain with the leaf first, and its key. They may be the same file.
  CertificateFiles(std::string chain, std::string key) : chain_(std::move(chain)), key_(std::move(key)) {}

  [[nodiscard]] const std::string& chain() const { return chain_; }
  [[nodiscard]] std::vector<std::string> paths() const { return {chain_, key_}; }
  // An Error names the path.
  [[nodiscard]] Result<async::TlsContext> load() const;
  // What clients that ask for `domain` will object to now.
  [[nodiscard]] Result<crypto::ChainReport> judge(const std::string& domain) const;

 private:
  std::string chain_, key_;
};

}  // namespace swage::plugins::broker
