// swage in the place of p2p-forge, and p2p-forge itself: started from one of its published Corefiles
// (tests/support/p2p_forge), unedited, with its ports, beside a zone file. For Catch tests only: what goes wrong fails
// the test that runs, with the server's log.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/async/loop.h"
#include "core/http/message.h"
#include "core/libp2p/key.h"
#include "core/peer/node.h"
#include "tests/support/dns_message.h"
#include "tests/support/loopback.h"
#include "tests/support/own_network.h"
#include "tests/support/process.h"

namespace swage::tests {

// "Corefile", "Corefile.local-dev"
[[nodiscard]] std::string published(const std::string& name);

enum class Program : std::uint8_t { swage, p2p_forge };

// Where the real p2p-forge is: the environment variable SWAGE_P2P_FORGE, or build/interop/p2p-forge, which
// `tests/interop/prepare p2p-forge` makes. Empty where it is not; says so on standard error ("SKIPPED: …") with `what`.
[[nodiscard]] std::string real_p2p_forge(std::string_view what);

// An empty working directory of p2p-forge: the Corefile, and zones/libp2p.direct.
class ForgeFolder {
 public:
  explicit ForgeFolder(std::string_view corefile);

  [[nodiscard]] const Folder& folder() const { return folder_; }
  // The binary under test, or p2p-forge, with these arguments, at work in the folder.
  [[nodiscard]] Command command(std::vector<std::string> arguments, Program program = Program::swage) const;

 private:
  Folder folder_;
};

// A request of HTTP as it is on the wire, but for Host, Content-Length and the end of its head.
struct HttpRequest {
  std::string method, target;
  std::string host = "registration.libp2p.direct";
  std::vector<std::pair<std::string, std::string>> fields{};
  std::string body{};
};

// A server, and a libp2p node that it can dial, at any address. REQUIRES: the test is in an OwnNetwork, so that ports
// below 1024 and all addresses are its own.
class PublishedForge {
 public:
  // Waits until it serves.
  PublishedForge(const ForgeFolder& folder, std::vector<std::string> arguments, Endpoint dns, Endpoint http,
                 Program program = Program::swage);
  // SIGTERM; the test fails unless it then exits with 0.
  ~PublishedForge();
  PublishedForge(const PublishedForge&) = delete;
  PublishedForge& operator=(const PublishedForge&) = delete;

  [[nodiscard]] std::string log() const { return process_.log(); }
  [[nodiscard]] Process& process() { return process_; }
  [[nodiscard]] Decoded ask(const Question& question, bool tcp = false) const;
  // On a connection of its own; status 0 where there was no answer.
  [[nodiscard]] http::Response say(const HttpRequest& request);
  // The same to another of its ports.
  [[nodiscard]] http::Response say_to(const Endpoint& where, const HttpRequest& request);
  // The same by the node that has `key`: first without a body, for the challenge, then with the answer to it, signed
  // for `signed_host` instead of the request's host.
  [[nodiscard]] http::Response say_as(const libp2p::PrivateKey& key, HttpRequest request,
                                      const std::string& signed_host = "");

  // The node: its key, and its address there (/ip4/IP/tcp/PORT).
  static constexpr std::string_view kPublic = "128.1.0.5";
  [[nodiscard]] static libp2p::PrivateKey node_key();
  [[nodiscard]] std::string node_address(std::string_view ip = kPublic) const;

 private:
  Endpoint dns_, http_;
  Process process_;
  async::Loop loop_;
  std::unique_ptr<peer::Node> node_;
};

// Registers `value` from where the node listens.
[[nodiscard]] HttpRequest registration(const std::string& value, const std::vector<std::string>& addresses);

}  // namespace swage::tests
