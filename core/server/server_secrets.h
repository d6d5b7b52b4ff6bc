// ServerSecrets: what all dns processes know and nobody outside may: the secrets of cookies, and the key by which they
// hash clients (core/cookie/cookie.h says how it lies in memory). Made by the service process, published as a Snapshot,
// which outlives reloads and processes that are replaced; the fetch process never has it.
//
// Where *cookie* names files of secrets, they are followed. Otherwise the secret is random, and each day there is a new
// one; the one before is still good for those who have cookies of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/cookie/cookie.h"
#include "core/plugin/follow.h"
#include "core/plugin/server_block.h"
#include "core/plugin/service.h"
#include "core/shm/snapshot.h"

namespace swage::server {

class ServerSecrets : public Service {
 public:
  static constexpr const char* kName = "server secrets";  // of the snapshot

  ServerSecrets(CookieSettings settings, shm::Snapshot& snapshot);

  Result<> prepare() override;
  async::Task<Result<>> run(Host& host) override;

 private:
  using Secret = std::array<std::uint8_t, cookie::kSecretSize>;

  [[nodiscard]] Result<std::vector<Secret>> read() const;
  [[nodiscard]] Result<> publish(std::uint64_t made, const std::vector<Secret>& secrets);
  [[nodiscard]] Result<> roll(std::uint64_t now);
  [[nodiscard]] bool is_due(std::uint64_t now) const;

  CookieSettings settings_;
  shm::Snapshot& snapshot_;
  FollowedFiles files_;
};

}  // namespace swage::server
