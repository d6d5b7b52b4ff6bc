// libp2p nodes that are not our code, for tests to dial, to be dialled by, and to register with: the programs of
// tests/interop/README.md, which tests/interop/prepare makes. For Catch tests only: what goes wrong fails the test that
// runs, with the peer's log.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/libp2p/key.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"

namespace swage::tests {

// "js" and "go", those that are prepared. One that is not is skipped aloud; in CI that is a failure (have_peer()),
// unless tests/interop/prepare has found no toolchain for it and said so.
[[nodiscard]] std::vector<std::string> interop_peers();

// js-libp2p knows keys of type ECDSA, but has no peer IDs for them.
[[nodiscard]] bool has_identities(std::string_view peer, libp2p::KeyType type);

// What `peer` does: {"dial", "/ip4/…", "--security", "tls"}.
[[nodiscard]] Command interop_command(std::string_view peer, const std::vector<std::string>& arguments);

// A private key in a file that peers read (--key).
class KeyFile {
 public:
  explicit KeyFile(libp2p::KeyType type);

  [[nodiscard]] const libp2p::PrivateKey& key() const { return key_; }
  [[nodiscard]] libp2p::PeerId peer_id() const { return key_.public_key().peer_id(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  libp2p::PrivateKey key_;
  Folder folder_;
  std::string path_;
};

struct Listening {
  std::string peer = "go";
  std::string transport = "tcp";   // or "ws"
  std::string security = "noise";  // or "tls"
};

// A node that listens on 127.0.0.1 and answers ping and identify, until the object goes. It logs warnings and errors.
class ListeningPeer {
 public:
  ListeningPeer(const Listening& listening, const KeyFile& identity);

  [[nodiscard]] const std::string& address() const { return address_; }  // "/ip4/127.0.0.1/tcp/…/p2p/ID"
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string log() const { return process_.log(); }
  // The lines of its log that are warnings or errors, but for those that its kind logs about any peer.
  [[nodiscard]] std::string complaints() const;

 private:
  Process process_;
  std::string address_;
  std::uint16_t port_ = 0;
};

}  // namespace swage::tests
