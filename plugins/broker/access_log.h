// AccessLog: a line of the log for each request, as p2p-forge writes them, for what reads p2p-forge's log. Only where
// the Corefile is one of p2p-forge's. Strangers write what is in it: lines have a bounded length, and so many a second.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/http/message.h"
#include "plugins/broker/line_limit.h"

namespace swage::plugins::broker {

// As Go prints a time.Duration: "1m2.5s", "15.003s", "212.4ms", "80.25µs", "0s". REQUIRES: not negative.
[[nodiscard]] std::string go_duration(std::chrono::nanoseconds duration);

class AccessLog {
 public:
  AccessLog() : AccessLog("") {}  // writes nothing
  // `name`: what the Corefile calls the plugin.
  explicit AccessLog(std::string name) : name_(std::move(name)), lines_(name_, kMaxLines) {}

  // A request that is under way. What is logged of it is kept: it may be moved away.
  class Request {
   public:
    Request(AccessLog& log, const http::Request& request);
    void answered(unsigned status) const;

   private:
    AccessLog& log_;
    std::string method_, target_, agent_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  };

 private:
  static constexpr std::uint64_t kMaxLines = 1000;  // a second
  std::string name_;
  LineLimit lines_;
};

// "POST /v1/_acme-challenge (status=200 dt=212.4ms ua=\"kubo/0.33.0\")"; what strangers wrote is on one line, and
// harmless to terminals.
[[nodiscard]] std::string access_line(std::string_view method, std::string_view target, unsigned status,
                                      std::chrono::nanoseconds duration, std::string_view agent);

}  // namespace swage::plugins::broker
