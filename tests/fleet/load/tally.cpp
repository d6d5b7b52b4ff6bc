#include "tests/fleet/load/tally.h"

#include <algorithm>

namespace swage::fleet {
namespace {

using nlohmann::json;

constexpr std::array<const char*, kAnswers> kNames = {"has", "missing", "servfail", "other", "silent"};

json counts(const std::array<std::uint64_t, kAnswers>& answers) {
  json object = json::object();
  for (std::size_t i = 0; i < kAnswers; ++i) object[kNames[i]] = answers[i];
  return object;
}

// REQUIRES: sorted.
double quantile(const std::vector<double>& values, double part) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::size_t>(part * static_cast<double>(values.size()));
  return values[std::min(at, values.size() - 1)];
}

}  // namespace

void Tally::registered(unsigned status, double milliseconds) {
  ++statuses_[status];
  if (status == 200) acknowledged_.push_back(milliseconds);
}

void Tally::answered(const std::string& nameserver, bool tcp, Answer answer) {
  Answers& answers = nameservers_[nameserver];
  ++(tcp ? answers.tcp : answers.udp)[static_cast<std::size_t>(answer)];
}

void Tally::violation(std::string text) {
  constexpr std::size_t kMost = 20;
  ++violations_;
  if (texts_.size() < kMost) texts_.push_back(std::move(text));
}

json Tally::to_json() const {
  json all;
  all["statuses"] = json::object();
  for (const auto& [status, count] : statuses_) all["statuses"][std::to_string(status)] = count;
  std::vector<double> sorted = acknowledged_;
  std::ranges::sort(sorted);
  all["milliseconds"] = {
      {"p50", quantile(sorted, 0.5)}, {"p99", quantile(sorted, 0.99)}, {"most", quantile(sorted, 1)}};
  all["without_retry_after"] = without_retry_after_;
  all["nameservers"] = json::object();
  for (const auto& [name, answers] : nameservers_) {
    all["nameservers"][name] = {{"udp", counts(answers.udp)}, {"tcp", counts(answers.tcp)}};
  }
  all["violations"] = violations_;
  all["texts"] = texts_;
  return all;
}

}  // namespace swage::fleet
