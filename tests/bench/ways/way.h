// Ways to receive and send packets, each as an echo server, so that nothing but the way itself is measured.
// tests/bench/run_ways compares them; docs/performance.md says what came of it.
#pragma once

#include <cstddef>

#include "core/result.h"

namespace swage::bench {

struct WayOptions {
  int descriptor = -1;     // a bound, non-blocking UDP socket over IPv4
  std::size_t batch = 64;  // packets a system call, at most
  bool spin = false;       // asks the socket again and again instead of sleeping in epoll
};

// Each sets QR in what it receives and sends it back, until the process is killed.
[[nodiscard]] Result<> echo_one_by_one(const WayOptions& options);  // recvfrom, sendto
[[nodiscard]] Result<> echo_in_batches(const WayOptions& options);  // recvmmsg, sendmmsg
[[nodiscard]] Result<> echo_segmented(
    const WayOptions& options);                                   // the same; equal sizes to one client go as one (GSO)
[[nodiscard]] Result<> echo_io_uring(const WayOptions& options);  // multishot recvmsg into a ring of buffers, sendmsg

}  // namespace swage::bench
