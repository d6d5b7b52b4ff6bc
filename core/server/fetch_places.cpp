#include "core/server/fetch_places.h"

namespace swage::server {

bool FetchPlaces::may_take(const Candidate& candidate, std::size_t most) const {
  const ShareRoom free{most > taken_ ? most - taken_ : 0, most_bytes_ - bytes_};
  return shares_.has_room(candidate.share, candidate.bytes, free);
}

bool FetchPlaces::take(const Candidate& candidate, std::size_t most) {
  if (!may_take(candidate, most)) return false;
  count(candidate.share, candidate.bytes, true);
  return true;
}

void FetchPlaces::give_back(std::uint32_t share, std::size_t bytes) { count(share, bytes, false); }

void FetchPlaces::count(std::uint32_t share, std::size_t bytes, bool one_more) {
  const auto found = queues_.find(share);
  if (found != queues_.end()) turns_.erase({shares_.places(share), found->second.turn, share});
  if (one_more) {
    ++taken_;
    bytes_ += bytes;
    shares_.add(share, bytes);
  } else {
    --taken_;
    bytes_ -= bytes;
    shares_.remove(share, bytes);
  }
  if (found == queues_.end()) return;
  if (one_more) found->second.turn = ++last_turn_;
  turns_.emplace(shares_.places(share), found->second.turn, share);
}

void FetchPlaces::wait(Candidate& candidate) {
  const auto [entry, is_new] = queues_.try_emplace(candidate.share);
  Queue& queue = entry->second;
  if (is_new) {
    queue.turn = ++last_turn_;
    turns_.emplace(shares_.places(candidate.share), queue.turn, candidate.share);
  }
  candidate.at = queue.candidates.insert(queue.candidates.end(), &candidate);
  candidate.waits = true;
}

void FetchPlaces::leave(Candidate& candidate) {
  if (!candidate.waits) return;
  candidate.waits = false;
  const auto found = queues_.find(candidate.share);
  found->second.candidates.erase(candidate.at);
  if (!found->second.candidates.empty()) return;
  turns_.erase({shares_.places(candidate.share), found->second.turn, candidate.share});
  queues_.erase(found);
}

FetchPlaces::Candidate* FetchPlaces::next(std::size_t most) const {
  if (turns_.empty()) return nullptr;
  Candidate* const first = queues_.at(std::get<2>(*turns_.begin())).candidates.front();
  return may_take(*first, most) ? first : nullptr;
}

}  // namespace swage::server
