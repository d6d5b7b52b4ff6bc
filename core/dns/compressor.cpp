#include "core/dns/compressor.h"

#include <algorithm>
#include <cstring>

namespace swage::dns {
namespace {

constexpr std::size_t kQuestion = 12;
constexpr std::uint16_t kPointer = 0xC000;
constexpr std::size_t kMaxPlace = 0x3FFF;  // a pointer has 14 bits

std::uint32_t hash(std::uint16_t parent, const std::uint8_t* label) {
  std::uint32_t value = 2166136261U ^ parent;
  for (std::size_t i = 0; i <= label[0]; ++i) value = (value ^ lower(label[i])) * 16777619U;
  return value ^ (value >> 15);
}

bool equal_labels(const std::uint8_t* a, const std::uint8_t* b, bool keeps_case) {
  if (a[0] != b[0]) return false;
  for (std::size_t i = 1; i <= a[0]; ++i) {
    if (a[i] != b[i] && (keeps_case || lower(a[i]) != lower(b[i]))) return false;
  }
  return true;
}

}  // namespace

Compressor::Node& Compressor::slot(std::uint16_t parent, const std::uint8_t* label) {
  std::size_t index = hash(parent, label) % kSlots;
  while (table_[index].place != 0 &&
         (table_[index].parent != parent || !equal_labels(&message_[table_[index].place], label, keeps_case_))) {
    index = (index + 1) % kSlots;
  }
  return table_[index];
}

void Compressor::start() {
  started_ = true;
  table_.fill({});
  // The question's name is there already: writing it over itself enters its labels.
  const NameView written(&message_[kQuestion], qname_.size());
  static_cast<void>(write(written, kQuestion));
}

std::size_t Compressor::write_after_last(NameView name, std::size_t at) {
  if (last_.place == 0 || name.is_root()) return 0;
  const auto pointer = [&](std::size_t behind, std::size_t place) -> std::size_t {
    if (place == 0 || place > kMaxPlace || message_.size() - at < behind + 2) return 0;
    std::memcpy(&message_[at], name.data(), behind);
    store_u16(&message_[at + behind], static_cast<std::uint16_t>(kPointer | place));
    return at + behind + 2;
  };
  const bool is_same = name.data() == last_.name.data();  // another record of the same name
  if (is_same && last_.place <= kMaxPlace) return pointer(0, last_.place);
  const NameView parent = name.parent();
  const std::size_t first = 1U + name.data()[0];
  std::size_t parent_place = 0;
  if (is_same) {
    parent_place = last_.parent;
  } else if (parent.same_spelling(last_.name)) {
    parent_place = last_.place;
  } else if (last_.parent != 0 && parent.same_spelling(last_.name.parent())) {
    parent_place = last_.parent;
  }
  const std::size_t end = parent_place == 0 ? 0 : pointer(first, parent_place);
  if (end != 0) last_ = {name, at, parent_place};
  return end;
}

std::size_t Compressor::write(NameView name, std::size_t at) {
  const std::size_t room = message_.size() - at;
  const auto into_qname = static_cast<std::size_t>(name.data() - qname_.data());
  if (into_qname < qname_.size() && !name.is_root()) {
    if (room < 2) return 0;
    store_u16(&message_[at], static_cast<std::uint16_t>(kPointer | (kQuestion + into_qname)));
    return at + 2;
  }
  if (keeps_case_) {
    if (const std::size_t end = write_after_last(name, at); end != 0) return end;
  }
  if (!started_) start();

  std::array<std::uint8_t, kMaxLabels> labels;
  std::size_t count = 0;
  for (std::size_t offset = 0; name.data()[offset] != 0; offset += 1U + name.data()[offset]) {
    labels[count++] = static_cast<std::uint8_t>(offset);
  }
  // From the right: as long as the labels hang on each other in the tree, the suffix has been written.
  std::uint16_t suffix = 0;
  while (count > 0) {
    const Node& node = slot(suffix, name.data() + labels[count - 1]);
    if (node.place == 0) break;
    suffix = node.place;
    --count;
  }
  const std::size_t new_bytes =
      suffix == 0 ? name.size() - 1 : (count == 0 ? 0 : labels[count - 1] + 1U + name.data()[labels[count - 1]]);
  const std::size_t size = new_bytes + (suffix == 0 ? 1U : 2U);
  if (room < size) return 0;
  std::memmove(&message_[at], name.data(), new_bytes);
  if (suffix == 0) {
    message_[at + new_bytes] = 0;
  } else {
    store_u16(&message_[at + new_bytes], kPointer | suffix);
  }
  if (keeps_case_ && !name.is_root()) {
    const std::size_t first = 1U + name.data()[0];
    const bool was_there = new_bytes == 0;  // then what stands here is a pointer
    last_ = {name, was_there ? suffix : at, new_bytes == first ? suffix : was_there ? 0 : at + first};
  }
  for (; count > 0 && nodes_ < kMaxNodes; --count) {
    const std::size_t place = at + labels[count - 1];
    if (place > kMaxPlace) break;
    slot(suffix, &message_[place]) = {static_cast<std::uint16_t>(place), suffix};
    suffix = static_cast<std::uint16_t>(place);
    ++nodes_;
  }
  return at + size;
}

}  // namespace swage::dns
