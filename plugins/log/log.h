// log: one line in the server's log for each response of a server block. In every dns process; CoreDNS's formats.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/plugin/log_line.h"
#include "core/plugin/plugin.h"

namespace swage::plugins::log {

using log_line::Class, log_line::Format;

// What one directive says.
struct Rule {
  std::vector<dns::Name> names;  // these, and all below
  Format format = Format("{common}");
  std::vector<Class> classes;  // none: all
};

class Log : public Observer {
 public:
  using Clock = std::chrono::steady_clock::time_point (*)();

  // `metadata`, of the server block, outlives this.
  explicit Log(std::vector<Rule> rules, Clock clock = &std::chrono::steady_clock::now,
               const Metadata* metadata = nullptr);

  void sent(const Query& query, const Response& response, Bytes message) const override;

 private:
  std::vector<Rule> rules_;  // the first that has the name counts
  Clock clock_;
  const Metadata* metadata_;
  mutable std::string line_;  // one thread a process; keeps its room between queries
};

Result<> setup(Controller& controller);

}  // namespace swage::plugins::log
