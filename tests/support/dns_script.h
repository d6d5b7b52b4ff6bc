// A nameserver for tests of what resolves names: it gives the answers of a script, and different ones each time if the
// script says so.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/net.h"

namespace swage::tests {

class DnsScript {
 public:
  // For each name (lower case, no dot at the end) the answers to the first, the second, … query for A or AAAA; the
  // last one again and again. An answer is a list of addresses, of which those of the type asked for are given. Other
  // names do not exist.
  using Answers = std::map<std::string, std::vector<std::vector<std::string>>>;

  // Listens at `port` of every address.
  DnsScript(std::uint16_t port, Answers answers);
  ~DnsScript();
  DnsScript(const DnsScript&) = delete;
  DnsScript& operator=(const DnsScript&) = delete;

  // How often a name was asked for, with any type.
  [[nodiscard]] std::size_t asked(const std::string& name) const;

 private:
  void run();
  [[nodiscard]] std::vector<std::uint8_t> answer(Bytes query);

  Answers answers_;
  std::map<std::pair<std::string, int>, std::size_t> asked_;
  mutable std::mutex mutex_;  // of asked_
  int socket_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace swage::tests
