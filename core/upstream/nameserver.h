// Nameserver: another nameserver, or resolver, that is asked: over UDP, over TCP where an answer is truncated or does
// not look genuine, over TLS or HTTPS. In the process that fetches.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/crypto/random.h"
#include "core/upstream/connections.h"
#include "core/upstream/question.h"
#include "core/upstream/udp.h"

namespace swage::upstream {

class Nameserver {
 public:
  static constexpr std::chrono::milliseconds kTime{2000};  // for an answer, in all

  Nameserver(async::Loop& loop, Way way, crypto::Random& random);
  Nameserver(const Nameserver&) = delete;
  Nameserver& operator=(const Nameserver&) = delete;

  // The message that answers the question: its question is ours, whatever else is in it. An Error where there is none
  // within `time`. `options`: of EDNS, in wire format; must outlive the task.
  [[nodiscard]] async::Task<Result<std::vector<std::uint8_t>>> ask(Question question,
                                                                   std::chrono::milliseconds time = kTime,
                                                                   Bytes options = {});

  [[nodiscard]] const Way& way() const { return way_; }
  [[nodiscard]] const Connections& connections() const { return connections_; }

 private:
  static constexpr std::size_t kOurCookie = 8;  // bytes

  void learn_cookie(Bytes message);
  [[nodiscard]] Asked::Form form() const;
  [[nodiscard]] async::Task<Result<Reply>> ask_connected(const Asked& asked, std::chrono::milliseconds time);

  async::Loop& loop_;
  const Way way_;
  crypto::Random& random_;
  Connections connections_;
  std::optional<Https> https_;
  std::vector<std::uint8_t> cookie_;  // ours, and the nameserver's where it has said one
};

}  // namespace swage::upstream
