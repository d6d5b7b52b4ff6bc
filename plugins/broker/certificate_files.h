// The certificate and key of the broker as files that somebody renews while the server runs. I/O; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/async/tls.h"
#include "core/crypto/chain.h"
#include "core/result.h"

namespace swage::plugins::broker {

class CertificateFiles {
 public:
  // What tells changed files from unchanged ones, or none at all.
  struct Stamp {
    struct File {
      std::int64_t seconds = 0, nanoseconds = 0, size = -1;
      std::uint64_t device = 0, inode = 0;
      bool operator==(const File&) const = default;
    };
    std::array<File, 2> files;
    bool operator==(const Stamp&) const = default;
  };

  // PEM: the chain with the leaf first, and its key. They may be the same file.
  CertificateFiles(std::string chain, std::string key) : chain_(std::move(chain)), key_(std::move(key)) {}

  [[nodiscard]] const std::string& chain() const { return chain_; }
  [[nodiscard]] Stamp stamp() const;
  // An Error names the path.
  [[nodiscard]] Result<async::TlsContext> load() const;
  // What clients that ask for `domain` will object to now.
  [[nodiscard]] Result<crypto::ChainReport> judge(const std::string& domain) const;

 private:
  std::string chain_, key_;
};

}  // namespace swage::plugins::broker
