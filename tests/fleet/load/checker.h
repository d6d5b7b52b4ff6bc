// Asks nameservers for values that were acknowledged, over UDP and over TCP: each answers with the value, or is fenced,
// or does not answer. Anything else is a violation of what a 200 promises.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/async/loop.h"
#include "core/net.h"
#include "tests/fleet/load/tally.h"
#include "tests/support/dns_client.h"

namespace swage::fleet {

// A value, and the name at which it is to be found.
struct Challenge {
  std::string name;               // "_acme-challenge.k51….libp2p.direct."
  std::string value;              // 43 letters
  std::int64_t acknowledged = 0;  // nanoseconds of Loop::now()
};

// The challenge of registration `number`: each has a node of its own.
[[nodiscard]] Challenge challenge(std::uint32_t number, const std::string& zone);

class Checker {
 public:
  // REQUIRES: `loop` and `tally` outlive it.
  Checker(async::Loop& loop, Tally& tally, const std::vector<Endpoint>& nameservers);
  ~Checker();

  // Asks all of them now. What they answer, and be it late, goes to the tally.
  void ask(const Challenge& challenge);
  // Queries that may still be answered.
  [[nodiscard]] std::size_t pending() const;
  // What has not been answered by now is silence; later answers are not looked at.
  void end();

 private:
  class Nameserver;

  async::Loop& loop_;
  std::vector<std::unique_ptr<Nameserver>> nameservers_;
};

}  // namespace swage::fleet
