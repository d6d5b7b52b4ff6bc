// loop: finds out whether this server forwards to itself. Loop, in each dns process, tells the server's own question
// from one that has come back; Probe, a Service, asks it.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "core/plugin/plugin.h"

namespace swage::plugins::loop {

inline constexpr std::uint16_t kOption = 65001;  // of EDNS, for local use (RFC 6891 section 9)
inline constexpr std::size_t kSecret = 16;       // bytes
inline constexpr std::size_t kProof = 39;        // bytes: the data of a HINFO record, "swage" and 32 hexadecimal digits

// What becomes of the server where there is a loop when it starts.
enum class OnLoop : std::uint8_t { exit, log };

// Answers a question that has come back. The snapshot: a secret, which the server's own question has in an option that
// nobody passes on; the answer, which nobody can know to whom the question has not come from here and who has not sent
// it back; then the name that is asked for.
class Loop : public Plugin {
 public:
  explicit Loop(const shm::Snapshot& probe) : probe_(probe) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  const shm::Snapshot& probe_;
};

// Asks the server block at its first address for a name that nobody else knows, when the server has begun.
class Probe : public Service {
 public:
  Probe(shm::Snapshot& probe, dns::Name zone, Endpoint at, OnLoop on_loop)
      : snapshot_(probe), zone_(zone), at_(at), on_loop_(on_loop) {}

  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  [[nodiscard]] bool ready() const override { return !found_; }

 private:
  [[nodiscard]] Result<> make_name();
  [[nodiscard]] bool came_back(Bytes message) const;
  void tell(Host& host) const;

  shm::Snapshot& snapshot_;
  dns::Name zone_, name_;
  Endpoint at_;
  OnLoop on_loop_;
  std::array<std::uint8_t, kSecret> secret_{};
  std::array<std::uint8_t, kProof> proof_{};
  bool found_ = false;
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::loop
