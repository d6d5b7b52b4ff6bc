#include "plugins/transfer/sequence.h"

namespace swage::plugins::transfer {

Sequence::Sequence(Bytes image, std::vector<zone::Change> changes)
    : all_(image),
      soa_(*zone::AllRecords(image).next()),
      changes_(std::move(changes)),
      part_(nullptr, 0),
      stage_(changes_.empty() ? Stage::all : Stage::first) {}

std::optional<zone::ZoneRecord> Sequence::next() {
  if (stage_ == Stage::all) {
    if (const auto record = all_.next()) return record;
    stage_ = Stage::ended;
    return soa_;
  }
  if (stage_ == Stage::first) {
    part_ = changes_.front().removed();
    stage_ = Stage::removed;
    return soa_;
  }
  while (stage_ != Stage::ended) {
    if (const auto record = part_.next()) return record;
    if (stage_ == Stage::removed) {
      part_ = changes_[change_].added();
      stage_ = Stage::added;
    } else if (++change_ < changes_.size()) {
      part_ = changes_[change_].removed();
      stage_ = Stage::removed;
    } else {
      stage_ = Stage::ended;
      return soa_;
    }
  }
  return {};
}

bool fits(Sequence sequence, std::size_t room) {
  while (const auto record = sequence.next()) {
    if (cost(*record) > room) return false;
    room -= cost(*record);
  }
  return true;
}

}  // namespace swage::plugins::transfer
