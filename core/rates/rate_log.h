// RateLog: which limited networks are to be named in the log now: each at most once a minute, and one a second.
#pragma once

#include <array>
#include <cstdint>

namespace swage::rates {

class RateLog {
 public:
  // Whether to say now that `key` is limited.
  [[nodiscard]] bool wants(std::uint64_t key, std::uint32_t second) {
    if (second == last_) return false;
    Said& said = said_[key % said_.size()];
    if (said.key == key && second - said.second < kPause) return false;
    said = {key, second};
    last_ = second;
    return true;
  }

 private:
  static constexpr std::uint32_t kPause = 60;  // seconds
  struct Said {
    std::uint64_t key = 0;
    std::uint32_t second = 0;
  };
  std::array<Said, 256> said_{};
  std::uint32_t last_ = 0;
};

}  // namespace swage::rates
