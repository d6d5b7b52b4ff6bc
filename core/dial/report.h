// Report: the outcome of each address of a registration, on one line for the log. A value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace swage::dial {

class Report {
 public:
  // Where connecting got to, and why it ended there: dialled("/ip4/192.0.2.1/tcp/4001", "connect: timed out").
  void dialled(std::string_view address, std::string_view why) { dialled_.push_back(line(address, why)); }
  void not_dialled(std::string_view address, std::string_view why);
  // An address of which nothing more is known.
  void not_dialled() { ++others_; }

  // "1 of 2 addresses dialled: ADDRESS: connect: timed out; ADDRESS: not dialled: not public". What was dialled comes
  // first; at most kMaxText bytes, with the number of those that are left out.
  [[nodiscard]] std::string text() const;

  static constexpr std::size_t kMaxText = 1'500;
  static constexpr std::size_t kMaxAddress = 150, kMaxReason = 150;  // bytes

 private:
  [[nodiscard]] static std::string line(std::string_view address, std::string_view why);

  std::vector<std::string> dialled_, skipped_;
  std::size_t others_ = 0;
};

}  // namespace swage::dial
