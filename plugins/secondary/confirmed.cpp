#include "plugins/secondary/confirmed.h"

#include <algorithm>

#include "core/crypto/hash.h"

namespace swage::plugins::secondary {
namespace {

std::uint64_t hash_of(std::string_view zone) {
  const crypto::Digest digest = crypto::sha256(as_bytes(zone));
  std::uint64_t hash = 0;
  std::ranges::copy(Bytes(digest).first(sizeof hash), reinterpret_cast<std::uint8_t*>(&hash));
  return hash == 0 ? 1 : hash;
}

}  // namespace

Result<> Confirmed::begin(shm::Shared& memory) {
  constexpr std::size_t kSize = sizeof(Header) + kMost * sizeof(Slot);
  if (memory.bytes().size() == kSize) {
    const auto* const header = reinterpret_cast<const Header*>(memory.bytes().data());
    const auto* const slots = reinterpret_cast<const Slot*>(header + 1);
    const std::uint64_t used = std::min<std::uint64_t>(header->used, kMost);
    for (std::uint64_t i = 0; i < used; ++i) {
      if (slots[i].zone != 0) before_.emplace(slots[i].zone, slots[i].time);
    }
  }
  TRY(shm::Segment fresh, shm::Segment::create("swage " + memory.name(), kSize));
  TRY(memory.provide(std::move(fresh)));
  header_ = reinterpret_cast<Header*>(memory.writable_bytes().data());
  slots_ = reinterpret_cast<Slot*>(header_ + 1);
  return {};
}

Confirmed::Place Confirmed::take(std::string_view zone) {
  if (free_.empty() && header_->used == kMost) return kNone;
  const std::uint64_t hash = hash_of(zone);
  Place place = 0;
  if (free_.empty()) {
    place = static_cast<Place>(header_->used.fetch_add(1));
  } else {
    place = free_.back();
    free_.pop_back();
  }
  const auto before = before_.find(hash);
  slots_[place].time = before == before_.end() ? 0 : before->second;
  slots_[place].zone = hash;
  if (before != before_.end()) before_.erase(before);  // a zone that comes again later is another one
  return place;
}

void Confirmed::give_back(Place place) {
  if (place == kNone) return;
  slots_[place].zone = 0;
  free_.push_back(place);
}

std::int64_t Confirmed::at(Place place) const { return place == kNone ? 0 : slots_[place].time.load(); }

void Confirmed::set(Place place, std::int64_t time) {
  if (place != kNone) slots_[place].time = time;
}

}  // namespace swage::plugins::secondary
