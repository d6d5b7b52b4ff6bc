// Budget: how much the secondaries of a server ask for at a time, all together: five hundred zones at the start must
// not storm a primary, nor fill the memory. In the service process.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/async/semaphore.h"
#include "core/async/task.h"
#include "core/net.h"

namespace swage::plugins::secondary {

class Budget {
 public:
  // That of this process: the zones of all server blocks share it, whichever of them is first. (It lasts as long as one
  // of them has it; a Corefile has no place for it, and a server has one service process.)
  [[nodiscard]] static std::shared_ptr<Budget> of_process();

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
};

}  // namespace swage::plugins::secondary
