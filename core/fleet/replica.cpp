#include "core/fleet/replica.h"

#include <algorithm>
#include <utility>

namespace swage::fleet {

void Replica::read(const Entry& entry, std::int64_t now) {
  std::optional<StoredValue> value = read_value(entry);
  if (!value) {
    ++not_understood_;
    return;
  }
  if (!of_one_peer_.empty() && of_one_peer_.front().value.peer != value->peer) read_all(now);
  of_one_peer_.push_back({entry.revision, *std::move(value)});
  if (of_one_peer_.size() > 2 * shm::table::kMaxValues) {  // older ones are nobody's answer
    std::ranges::sort(of_one_peer_, std::ranges::greater(), &Read::revision);
    of_one_peer_.resize(shm::table::kMaxValues);
  }
}

void Replica::read_all(std::int64_t now) {
  std::ranges::sort(of_one_peer_, {}, &Read::revision);
  for (const Read& each : of_one_peer_) put(each.value, now);
  of_one_peer_.clear();
}

void Replica::take(const Event& event, std::int64_t now) {
  const auto value = event.removed ? read_value_key(event.entry.key) : read_value(event.entry);
  if (!value) {
    ++not_understood_;
  } else if (event.removed) {
    table_.erase(value->peer.multihash(), value->value, now);
  } else {
    put(*value, now);
  }
}

void Replica::put(const StoredValue& value, std::int64_t now) {
  const auto put = table_.put(value.peer.multihash(), value.value, now + value.lifetime, now, value.network,
                              shm::TableWriter::Room::free);
  if (!put && put.error() != shm::PutError::invalid) ++without_room_;
}

}  // namespace swage::fleet
