// A network of a test's own, in which every address of the world is this machine: whatever is connected to, a listener
// of the test sees it. Needs the right to make network namespaces (root, or user namespaces).
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "core/result.h"

namespace swage::tests {

class OwnNetwork {
 public:
  // The calling thread, and the threads and processes that it starts from now on, are in the new network. nullopt
  // where this machine does not allow it: that the test is skipped has been said.
  [[nodiscard]] static std::optional<OwnNetwork> enter();
  ~OwnNetwork();  // the thread is back where it was
  OwnNetwork(OwnNetwork&& other) noexcept : before_(std::exchange(other.before_, -1)) {}
  OwnNetwork& operator=(OwnNetwork&&) = delete;

  // connect() calls on TCP sockets of this network, ever (RFC 4022, tcpActiveOpens).
  [[nodiscard]] static std::uint64_t tcp_connects();

 private:
  [[nodiscard]] static Result<OwnNetwork> make();
  explicit OwnNetwork(int before) : before_(before) {}

  int before_;  // the namespace
};

}  // namespace swage::tests
