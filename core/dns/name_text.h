// NameText: a name in presentation format without the heap, for what matches text against the names of queries.
#pragma once

#include <array>
#include <string_view>

#include "core/dns/name.h"

namespace swage::dns {

// Text in a buffer that holds the longest of names; what does not fit is remembered as an overflow.
class NameText {
 public:
  NameText() = default;  // empty; the buffer is not cleared
  // As NameView::to_string(), in lower case.
  explicit NameText(NameView name) { assign(name); }

  void assign(NameView name);
  void clear() { size_ = 0, overflow_ = false; }
  void append(std::string_view text);

  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }
  [[nodiscard]] bool overflow() const { return overflow_; }

 private:
  void put(std::uint8_t byte) { bytes_[size_++] = static_cast<char>(byte); }

  // Every byte of a name as \DDD, and its dots.
  std::array<char, 4 * kMaxName + 4> bytes_;  // NOLINT(cppcoreguidelines-pro-type-member-init): a query each
  std::size_t size_ = 0;
  bool overflow_ = false;
};

// Whether place `at` of a name in presentation format is in the middle of an escape ("\\.", "\\032"): what begins or
// ends there would change the meaning of the characters beside it.
[[nodiscard]] bool is_in_escape(std::string_view text, std::size_t at);

}  // namespace swage::dns
