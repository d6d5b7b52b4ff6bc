// Words: the command line of a program, one word after the other.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"

namespace swage::bench {

class Words {
 public:
  Words(int count, char** words) : words_(words + 1, words + count) {}

  [[nodiscard]] std::optional<std::string> next() {
    if (at_ == words_.size()) return std::nullopt;
    return words_[at_++];
  }

  [[nodiscard]] Result<std::string> text() {
    auto word = next();
    if (!word) return fail("'{}' needs an argument", words_.back());
    return *word;
  }

  template <typename T>
  [[nodiscard]] Result<T> number(T lowest, T highest) {
    TRY(const std::string word, text());
    T value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value < lowest || value > highest) {
      return fail("'{}' is not a number from {} to {}", word, lowest, highest);
    }
    return value;
  }

 private:
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

}  // namespace swage::bench
