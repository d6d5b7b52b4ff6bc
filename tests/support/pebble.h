// Pebble, Let's Encrypt's CA for tests, that asks one nameserver for everything. For Catch tests only: what goes wrong
// fails the test that runs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/net.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"

namespace swage::tests {

struct PebbleOptions {
  int bad_nonces = 0;              // of a hundred good ones that are refused
  int validity = 0;                // seconds that its certificates are good for; 0: its own five years
  std::string external_account{};  // the identifier of one that it knows, with external_key; empty: it wants none
  std::string external_key{};      // base64url
};

class Pebble {
 public:
  explicit Pebble(const Endpoint& nameserver, const PebbleOptions& options = {});

  // It goes away, and comes back at the same place; it has forgotten all.
  void stop();
  void start();

  [[nodiscard]] std::string directory() const;
  [[nodiscard]] std::string certificate() const { return folder_.file("cert"); }  // of its own HTTPS
  [[nodiscard]] std::string root() const;  // PEM: of the certificates that it issues since it was started
  [[nodiscard]] std::string log() const { return process_.log(); }
  [[nodiscard]] std::size_t issued() const;  // how many since it was started
  [[nodiscard]] const Folder& folder() const { return folder_; }

 private:
  Folder folder_;
  Port port_, management_;
  Command command_;
  Process process_;
};

}  // namespace swage::tests
