// Other people's DNS servers on loopback, for comparison: Knot DNS, NSD, BIND and unbound, as Debian packages them.
// Each has a configuration of its own in a temporary folder and nothing to do with a server that the machine may run.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "tests/support/dns_client.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"

namespace swage::tests {

struct ServedZone {
  std::string name;  // with its final dot
  std::string file;  // absolute path
};

// A resolver that minimises QNAMEs strictly, spells them in mixed case (0x20) and asks `authority` for everything:
// there is no other nameserver in its world.
struct Resolving {
  Endpoint authority;
  std::vector<std::string> zones;      // names that are answered when it is ready
  std::vector<std::string> anchors{};  // DNSKEY records to trust; it validates if there are any
};

// True if `program` is installed. If not, says so on standard error and by Catch's WARN, and fails the test where the
// environment has CI=true. For Catch tests only.
[[nodiscard]] bool have_peer(std::string_view program);

// The number in an environment variable, such as SWAGE_SEED; `otherwise` where it is not set.
[[nodiscard]] unsigned number_from(const char* variable, unsigned otherwise);

class Peer {
 public:
  // Authoritative for `zones`, ready to answer. `folder` must outlive the peer.
  // `more`: further lines of its configuration: of Knot DNS sections, and lines for each zone; of BIND options.
  [[nodiscard]] static Result<Peer> knot(const Folder& folder, const std::vector<ServedZone>& zones,
                                         const std::string& more = "", const std::string& of_zones = "");
  [[nodiscard]] static Result<Peer> nsd(const Folder& folder, const std::vector<ServedZone>& zones);
  [[nodiscard]] static Result<Peer> bind(const Folder& folder, const std::vector<ServedZone>& zones,
                                         const std::string& more = "");
  [[nodiscard]] static Result<Peer> unbound(const Folder& folder, const Resolving& resolving);
  // A resolver that hands everything to `authority` and validates nothing, ready once `zone` is answered.
  [[nodiscard]] static Result<Peer> bind(const Folder& folder, const Endpoint& authority, const std::string& zone);

  [[nodiscard]] Endpoint endpoint() const { return port_.v4(); }
  [[nodiscard]] std::string log() const { return process_.log(); }

 private:
  explicit Peer(Port port) : port_(std::move(port)) {}
  [[nodiscard]] static Result<Peer> start_bind(const Folder& folder, const std::string& options,
                                               const std::string& zones, const std::vector<std::string>& names);
  // Starts the command and waits until all `names` are answered.
  [[nodiscard]] static Result<Peer> start(Port port, const Command& command, const std::vector<std::string>& names);

  Port port_;
  Process process_;
};

}  // namespace swage::tests
