#include "core/zone/journal.h"

#include <algorithm>
#include <cstring>

#include "core/dns/serial.h"
#include "core/zone/diff.h"
#include "core/zone/view.h"

namespace swage::zone {

std::vector<Change> Journal::changes() const {
  std::vector<Change> all;
  std::size_t at = sizeof(Header);
  for (std::uint32_t i = 0; i < count(); ++i) {
    all.emplace_back(bytes_.data() + at);
    at += all.back().bytes().size();
  }
  return all;
}

std::vector<Change> Journal::between(std::uint32_t from, std::uint32_t to) const {
  std::vector<Change> all = changes();
  if (all.empty() || all.back().to() != to) return {};
  const auto first = std::ranges::find_if(all, [from](const Change& change) { return change.from() == from; });
  all.erase(all.begin(), first);
  return all;
}

JournalWriter::JournalWriter(Journal before, Change change, Limits limits) : size_(sizeof(Journal::Header)) {
  std::size_t size = change.bytes().size();
  if (!dns::serial_after(change.to(), change.from()) || size_ + size > limits.bytes || limits.changes == 0) return;
  changes_ = before.changes();
  if (!changes_.empty() && changes_.back().to() != change.from()) changes_.clear();
  auto first = changes_.end();
  while (first != changes_.begin() && static_cast<std::size_t>(changes_.end() - first) + 1 < limits.changes) {
    const std::size_t more = std::prev(first)->bytes().size();
    if (size_ + size + more > limits.bytes) break;
    size += more;
    --first;
  }
  changes_.erase(changes_.begin(), first);
  changes_.push_back(change);
  size_ += size;
}

void JournalWriter::write(MutableBytes to) const {
  const Journal::Header header{to.size(), static_cast<std::uint32_t>(changes_.size()), 0};
  std::memcpy(to.data(), &header, sizeof header);
  std::size_t at = sizeof header;
  for (const Change& change : changes_) {
    std::ranges::copy(change.bytes(), to.begin() + static_cast<std::ptrdiff_t>(at));
    at += change.bytes().size();
  }
}

std::vector<std::uint8_t> next_journal(Bytes journal, Bytes image, Bytes next) {
  constexpr std::size_t kLeast = 64 << 10, kMost = 16 << 20;  // bytes
  const JournalWriter::Limits limits{std::clamp(next.size() / 2, kLeast, kMost), 100};
  const auto change = image.empty() ? std::nullopt : diff(image, next, limits.bytes);
  const bool is_same = std::ranges::equal(image, next);
  if (!change && (is_same || journal.empty())) return {journal.begin(), journal.end()};
  // Where the way to `next` is not known, what there was is forgotten: a later version may have a serial that it leads
  // to, and be another one.
  const JournalWriter writer =
      change ? JournalWriter(Journal(journal), Change(change->data()), limits) : JournalWriter();
  std::vector<std::uint8_t> bytes(writer.size());
  writer.write(bytes);
  return bytes;
}

bool stays_unnoticed(Bytes image, Bytes next) {
  if (image.empty() || std::ranges::equal(image, next)) return false;
  return !dns::serial_after(View(next).serial(), View(image).serial());
}

}  // namespace swage::zone
