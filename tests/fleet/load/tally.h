// What fleet_load has seen, and what it prints in the end: one object of JSON.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace swage::fleet {

// What a nameserver says to a query for a value that was acknowledged.
enum class Answer {
  has,       // the value
  missing,   // NOERROR without it: what must not be
  servfail,  // it knows that it does not know: fenced
  other,     // another rcode, or nothing that can be read
  silent,    // no answer in time, or no connection: dead, stopped, cut off
};
inline constexpr std::size_t kAnswers = 5;

struct Answers {
  std::array<std::uint64_t, kAnswers> udp{}, tcp{};
};

class Tally {
 public:
  // A registration was answered, after `milliseconds`; status 0: there was no answer.
  void registered(unsigned status, double milliseconds);
  void retry_after_missing() { ++without_retry_after_; }
  void answered(const std::string& nameserver, bool tcp, Answer answer);
  // The first of these are kept as text: who, what, how long after the 200.
  void violation(std::string text);

  [[nodiscard]] bool good() const { return violations_ == 0; }
  [[nodiscard]] nlohmann::json to_json() const;

 private:
  std::map<unsigned, std::uint64_t> statuses_;
  std::vector<double> acknowledged_;  // milliseconds, of those with 200
  std::uint64_t without_retry_after_ = 0;
  std::map<std::string, Answers> nameservers_;
  std::uint64_t violations_ = 0;
  std::vector<std::string> texts_;
};

}  // namespace swage::fleet
