// StateFolder: the files that an account and certificates are in, for one process at a time. What it writes is there as
// a whole or not at all, also after a power failure. Blocks; in the service process, on any thread. Errors are
// "PATH: why".
//
//     account.key, account.json     the key of the account, and its URL at the CA
//     NAME.pem                      the key of a certificate, and its chain
//     NAME.json, NAME.new-key       what became of the orders for it; the key for the order that is under way
//     NAME.lock                     locked (flock) by who has it under way
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "core/bytes.h"
#include "core/crypto/secret.h"
#include "core/descriptor.h"
#include "core/result.h"

namespace swage::certificates {

class StateFolder {
 public:
  explicit StateFolder(std::string path) : path_(std::move(path)) {}

  // Makes it where it is not there, mode 0700.
  [[nodiscard]] Result<> make() const;
  // nullopt: there is no such file.
  [[nodiscard]] Result<std::optional<crypto::Secret>> read(const std::string& name) const;
  [[nodiscard]] Result<> write(const std::string& name, Bytes content, mode_t mode = 0600) const;
  // Leaves one that is there already as it is.
  [[nodiscard]] Result<> write_new(const std::string& name, Bytes content) const;
  [[nodiscard]] Result<> remove(const std::string& name) const;
  // As long as the descriptor is open; nullopt: another process, or another one of this process, has it.
  [[nodiscard]] Result<std::optional<Descriptor>> lock(const std::string& name) const;

 private:
  [[nodiscard]] std::string path_of(const std::string& name) const { return path_ + "/" + name; }

  std::string path_;
};

}  // namespace swage::certificates
