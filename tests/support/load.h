// Clients that keep asking while something happens to the server: each a thread with a socket of its own, which sends a
// query, waits for its answer, asks again once where none comes, and counts.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "core/net.h"
#include "tests/support/dns_client.h"

namespace swage::tests {

class Load {
 public:
  struct Client {
    std::atomic<std::uint64_t> answered{0};  // at the first try
    std::atomic<std::uint64_t> retried{0};   // answered at the second
    std::atomic<std::uint64_t> lost{0};      // not even then
    std::atomic<std::uint64_t> wrong{0};     // another id, or an rcode that is not NOERROR
  };

  // `patience`: how long each try waits for its answer.
  Load(const Endpoint& server, std::size_t clients, Milliseconds patience);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void stop();
  [[nodiscard]] const Client& client(std::size_t index) const { return clients_[index]; }
  [[nodiscard]] std::size_t size() const { return clients_.size(); }
  [[nodiscard]] std::uint64_t answered() const;
  [[nodiscard]] std::uint64_t retried() const;
  [[nodiscard]] std::uint64_t lost() const;
  [[nodiscard]] std::uint64_t wrong() const;
  // Waits until `more` queries have been answered from now on; false if that takes longer than kPatience.
  [[nodiscard]] bool wait_for_answers(std::uint64_t more) const;

 private:
  void run(Endpoint server, std::size_t index, Milliseconds patience);

  std::vector<Client> clients_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false};
};

}  // namespace swage::tests
