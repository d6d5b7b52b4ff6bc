// Domain names in wire format (RFC 1035 section 3.1): NameView refers to bytes that it does not own, Name owns a copy.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::dns {

inline constexpr std::size_t kMaxName = 255;    // bytes, with all length bytes and the root's
inline constexpr std::size_t kMaxLabel = 63;    // bytes, without its length byte
inline constexpr std::size_t kMaxLabels = 127;  // without the root

// Lower-case of one byte; only A-Z change (RFC 4343).
[[nodiscard]] constexpr std::uint8_t lower(std::uint8_t byte) {
  return static_cast<std::uint8_t>(byte + (static_cast<std::uint8_t>(byte - 'A') < 26 ? 0x20 : 0));
}

// A whole, valid, uncompressed name: labels, each after its length byte, then the root's 0. Comparisons ignore case
// (RFC 4343). The view does not own the bytes, which must outlive it.
class NameView {
 public:
  constexpr NameView() = default;  // the root
  // REQUIRES: `data` starts a valid name of `size` bytes, its last 0 included.
  constexpr NameView(const std::uint8_t* data, std::size_t size)
      : data_(data), size_(static_cast<std::uint8_t>(size)) {}

  [[nodiscard]] constexpr const std::uint8_t* data() const { return data_; }
  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  [[nodiscard]] constexpr Bytes bytes() const { return {data_, size_}; }
  [[nodiscard]] constexpr bool is_root() const { return size_ == 1; }
  [[nodiscard]] std::size_t label_count() const;  // without the root
  // The first (leftmost) label, without its length byte; empty for the root.
  [[nodiscard]] constexpr Bytes first_label() const { return {data_ + 1, data_[0]}; }
  // The name without its first label. REQUIRES: !is_root().
  [[nodiscard]] constexpr NameView parent() const {
    return {data_ + 1 + data_[0], static_cast<std::size_t>(size_ - 1 - data_[0])};
  }
  // True for the zone itself and all names below it.
  [[nodiscard]] bool is_under(NameView zone) const;
  [[nodiscard]] bool is_wildcard() const { return size_ > 2 && data_[0] == 1 && data_[1] == '*'; }
  // Presentation format (RFC 1035 section 5.1), absolute, spelling kept: "example.org.", "a\.b.example.org.", ".".
  [[nodiscard]] std::string to_string() const;
  void append_to(std::string& text) const;  // appends the same text

  [[nodiscard]] bool operator==(NameView other) const;     // without case
  [[nodiscard]] bool same_spelling(NameView other) const;  // with case
  // Canonical order (RFC 4034 section 6.1).
  [[nodiscard]] std::strong_ordering operator<=>(NameView other) const;

 private:
  static constexpr std::uint8_t kRoot[1] = {0};
  const std::uint8_t* data_ = kRoot;
  std::uint8_t size_ = 1;
};

// A name that owns its bytes, without the heap.
class Name {
 public:
  Name() = default;     // the root
  Name(NameView view);  // NOLINT(google-explicit-constructor): a copy of the same value
  // From presentation format; relative names are taken as absolute: "example.org" and "example.org." are the same.
  [[nodiscard]] static Result<Name> parse(std::string_view text);
  // From wire format without compression pointers at the start of `wire`; bytes after the name are ignored.
  [[nodiscard]] static Result<Name> from_wire(Bytes wire);

  operator NameView() const { return {bytes_.data(), size_}; }  // NOLINT(google-explicit-constructor)
  [[nodiscard]] NameView view() const { return *this; }
  [[nodiscard]] const std::uint8_t* data() const { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] Name lowercased() const;
  // Becomes `view` in lower case: every query does it.
  void assign_lowercased(NameView view);
  // `label` (at most 63 bytes) put before this name; an error where the whole would be longer than 255 bytes.
  [[nodiscard]] Result<Name> child(Bytes label) const;
  [[nodiscard]] std::string to_string() const { return view().to_string(); }

  bool operator==(const Name& other) const { return view() == other.view(); }
  bool operator==(NameView other) const { return view() == other; }
  std::strong_ordering operator<=>(const Name& other) const { return view() <=> other.view(); }

 private:
  std::array<std::uint8_t, kMaxName + 1> bytes_{};  // one more: whole words can be read and written
  std::uint8_t size_ = 1;
};

}  // namespace swage::dns
