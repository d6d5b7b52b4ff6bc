#include "core/dns/name.h"

#include <algorithm>

#include "core/text.h"

namespace swage::dns {
namespace {

struct LabelStarts {
  std::array<std::uint8_t, kMaxLabels + 1> at;
  std::size_t count = 0;  // without the root
  explicit LabelStarts(NameView name) {
    const std::uint8_t* data = name.data();
    for (std::size_t offset = 0; data[offset] != 0; offset += 1U + data[offset]) {
      at[count++] = static_cast<std::uint8_t>(offset);
    }
  }
};

// Lengths are below 64 and so no letters: whole names can be compared without looking at label boundaries.
bool same_letters(const std::uint8_t* a, const std::uint8_t* b, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::strong_ordering compare_labels(Bytes a, Bytes b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(),
                                                [](std::uint8_t x, std::uint8_t y) { return lower(x) <=> lower(y); });
}

}  // namespace

std::size_t NameView::label_count() const { return LabelStarts(*this).count; }

bool NameView::is_under(NameView zone) const {
  if (zone.size_ > size_) return false;
  const std::size_t skip = size_ - zone.size_;
  std::size_t offset = 0;
  while (offset < skip) offset += 1U + data_[offset];
  return offset == skip && same_letters(data_ + skip, zone.data_, zone.size_);
}

bool NameView::operator==(NameView other) const {
  return size_ == other.size_ && same_letters(data_, other.data_, size_);
}

bool NameView::same_spelling(NameView other) const {
  return size_ == other.size_ && std::memcmp(data_, other.data_, size_) == 0;
}

std::strong_ordering NameView::operator<=>(NameView other) const {
  const LabelStarts a(*this);
  const LabelStarts b(other);
  const std::size_t common = std::min(a.count, b.count);
  for (std::size_t i = 1; i <= common; ++i) {
    const std::uint8_t* x = data_ + a.at[a.count - i];
    const std::uint8_t* y = other.data_ + b.at[b.count - i];
    if (const auto order = compare_labels({x + 1, *x}, {y + 1, *y}); order != 0) return order;
  }
  return a.count <=> b.count;
}

std::string NameView::to_string() const {
  std::string text;
  append_to(text);
  return text;
}

void NameView::append_to(std::string& text) const {
  if (is_root()) text += '.';
  for (NameView rest = *this; !rest.is_root(); rest = rest.parent()) {
    for (const std::uint8_t byte : rest.first_label()) {
      const auto digit = [byte](int divisor) { return static_cast<char>('0' + byte / divisor % 10); };
      if (byte <= ' ' || byte >= 0x7F) {
        text += {'\\', digit(100), digit(10), digit(1)};
        continue;
      }
      if (std::string_view(".\\\"();@$").find(static_cast<char>(byte)) != std::string_view::npos) text += '\\';
      text += static_cast<char>(byte);
    }
    text += '.';
  }
}

Name::Name(NameView view) : size_(static_cast<std::uint8_t>(view.size())) {
  std::copy_n(view.data(), view.size(), bytes_.begin());
}

Result<Name> Name::parse(std::string_view text) {
  Name name;
  if (text == ".") return name;
  if (text.empty()) return fail("a domain name cannot be empty");
  std::size_t start = 0;  // where the length byte of the label under way goes
  std::size_t end = 1;    // where the next byte goes
  const auto finish_label = [&]() -> Result<> {
    const std::size_t length = end - start - 1;
    if (length == 0) return fail("empty label in domain name '{}'", text);
    if (length > kMaxLabel) return fail("label of more than 63 bytes in domain name '{}'", text);
    name.bytes_[start] = static_cast<std::uint8_t>(length);
    start = end++;
    return {};
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '.') {
      TRY(finish_label());
      continue;
    }
    auto byte = static_cast<std::uint8_t>(text[i]);
    if (byte == '\\') {
      const std::string_view rest = text.substr(i + 1);
      if (rest.empty()) return fail("'\\' at the end of domain name '{}'", text);
      if (is_digit(rest[0])) {
        if (rest.size() < 3 || !is_digit(rest[1]) || !is_digit(rest[2])) {
          return fail("'\\' needs three digits in domain name '{}'", text);
        }
        const int value = (rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0');
        if (value > 255) return fail("'\\{}' is more than 255 in domain name '{}'", rest.substr(0, 3), text);
        byte = static_cast<std::uint8_t>(value);
        i += 3;
      } else {
        byte = static_cast<std::uint8_t>(rest[0]);
        i += 1;
      }
    }
    if (end >= kMaxName) return fail("domain name of more than 255 bytes: '{}'", text);
    name.bytes_[end++] = byte;
  }
  if (end != start + 1) TRY(finish_label());
  if (start >= kMaxName) return fail("domain name of more than 255 bytes: '{}'", text);
  name.bytes_[start] = 0;
  name.size_ = static_cast<std::uint8_t>(start + 1);
  return name;
}

Result<Name> Name::from_wire(Bytes wire) {
  std::size_t offset = 0;
  while (true) {
    if (offset >= wire.size() || offset >= kMaxName) return fail("a name in wire format does not end");
    const std::uint8_t length = wire[offset];
    if (length == 0) break;
    if (length > kMaxLabel) return fail("a label of a name in wire format is longer than 63 bytes");
    offset += 1U + length;
  }
  return Name(NameView(wire.data(), offset + 1));
}

Name Name::lowercased() const {
  Name result;
  result.assign_lowercased(*this);
  return result;
}

// Sixteen bytes at a time, in a register that every machine of 64 bits has: 30 instructions for a name of 90 bytes
// where words of 8 bytes took 240. Bytes after the name are changed too, and mean nothing.
void Name::assign_lowercased(NameView view) {
  using Lane __attribute__((vector_size(16))) = std::uint8_t;
  static_assert((kMaxName + 1) % sizeof(Lane) == 0);
  std::memcpy(bytes_.data(), view.data(), view.size());
  size_ = static_cast<std::uint8_t>(view.size());
  for (std::size_t i = 0; i < view.size(); i += sizeof(Lane)) {
    Lane bytes;
    std::memcpy(&bytes, &bytes_[i], sizeof bytes);
    bytes += reinterpret_cast<Lane>(bytes - 'A' < 26) & 0x20;
    std::memcpy(&bytes_[i], &bytes, sizeof bytes);
  }
}

Result<Name> Name::child(Bytes label) const {
  if (label.empty() || label.size() > kMaxLabel) return fail("a label has 1 to 63 bytes, not {}", label.size());
  if (size_ + 1U + label.size() > kMaxName) return fail("domain name of more than 255 bytes");
  Name result;
  result.bytes_[0] = static_cast<std::uint8_t>(label.size());
  std::copy(label.begin(), label.end(), result.bytes_.begin() + 1);
  std::copy_n(bytes_.begin(), size_, result.bytes_.begin() + 1 + label.size());
  result.size_ = static_cast<std::uint8_t>(size_ + 1U + label.size());
  return result;
}

}  // namespace swage::dns
