// Connections: to one nameserver, over TCP or TLS (RFC 7858), one question at a time each, kept for the next one
// (RFC 7766). In the process that fetches.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/async/loop.h"
#include "core/async/semaphore.h"
#include "core/async/tls.h"
#include "core/net.h"
#include "core/upstream/https.h"
#include "core/upstream/question.h"

namespace swage::upstream {

// How it is spoken to.
struct Way {
  Endpoint to{};
  bool tcp = false;                          // never over UDP
  std::optional<async::TlsContext> tls{};    // never without TLS
  std::optional<OverHttps> https{};          // by HTTPS alone
  std::string server_name{};                 // that the certificate is for, or an address; of TLS, HTTPS
  std::chrono::milliseconds expire{10'000};  // for how long an idle connection is kept
  std::chrono::milliseconds max_age{0};      // for how long a connection is used in all; 0: as long as it works
  std::optional<IpAddress> from{};           // our address; none: as the system finds
};

class Connections {
 public:
  static constexpr std::size_t kMost = 128;  // questions at a time; others wait

  // `way` outlives it.
  Connections(async::Loop& loop, const Way& way)
      : loop_(loop), way_(way), room_(loop, kMost), sweep_(loop, [this] { sweep(); }) {}

  // The answer to `asked`, which must outlive the task; it takes its time. A question that finds a kept connection
  // closed is asked again on another one.
  [[nodiscard]] async::Task<Result<std::vector<std::uint8_t>>> ask(const Asked& asked);

  // Questions that found a connection, and that made one.
  [[nodiscard]] std::uint64_t hits() const { return hits_; }
  [[nodiscard]] std::uint64_t misses() const { return misses_; }

 private:
  using StreamOwner = std::unique_ptr<async::Stream>;
  struct Connection {
    StreamOwner stream{};
    std::int64_t born = 0, idle_since = 0;  // nanoseconds, of the loop
  };

  [[nodiscard]] async::Task<Result<StreamOwner>> open();
  [[nodiscard]] Connection take_idle();  // without a stream where there is none
  void keep(Connection connection);
  void sweep();

  async::Loop& loop_;
  const Way& way_;
  async::Semaphore room_;
  async::Timer sweep_;
  std::vector<Connection> idle_;  // the newest last
  std::uint64_t hits_ = 0, misses_ = 0;
};

}  // namespace swage::upstream
