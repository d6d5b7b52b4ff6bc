// Budget: what all secondaries of a server have in common: how much they ask for at a time, all together (five hundred
// zones at the start must not storm a primary, nor fill the memory), whose file is whose, and when the zones that have
// none were confirmed. It belongs to memory that the server blocks share (shm::Shared). In the service process.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/async/semaphore.h"
#include "core/async/task.h"
#include "core/net.h"
#include "core/shm/shared.h"
#include "plugins/secondary/confirmed.h"

namespace swage::plugins::secondary {

class Budget {
 public:
  // The name of the memory, for Controller::shared().
  static constexpr const char* kMemory = "secondary";
  // That of the memory, which all server blocks have; the first one makes it. In prepare().
  [[nodiscard]] static Result<std::shared_ptr<Budget>> of(shm::Shared& memory);

  [[nodiscard]] Confirmed& confirmed() { return confirmed_; }

  // A file of a zone, which only one of the zones may write: false where another one has it. One that is to be removed
  // is removed then.
  [[nodiscard]] bool claim(const std::string& file);
  void give_back(const std::string& file) { files_.erase(file); }
  // Has a file removed that no zone has any more: thousands may go at once, and each can take milliseconds.
  void remove_later(const std::string& file) { leftover_.insert(file); }
  // Removes some of those; from time to time. Blocks for a short time.
  void remove_some();

  static constexpr std::size_t kQuestions = 32;      // SOA queries
  static constexpr std::size_t kTransfers = 10;      // of all primaries
  static constexpr std::size_t kTransfersOfOne = 2;  // of a primary

  using Permit = async::Semaphore::Permit;
  struct Place {
    Permit of_primary, of_all;
  };

  // Wait for their turn. What they give is given back before the Budget ends.
  [[nodiscard]] async::Task<Permit> question(async::Loop& loop);
  [[nodiscard]] async::Task<Place> transfer(async::Loop& loop, Endpoint primary);

 private:
  // All belong to the one loop of the process, which there is not yet when the Corefile is read.
  std::optional<async::Semaphore> questions_, transfers_;
  std::map<Endpoint, std::unique_ptr<async::Semaphore>> primaries_;
  std::set<std::string> files_, leftover_;
  Confirmed confirmed_;
};

}  // namespace swage::plugins::secondary
