// FetchPlaces: which of the keys that are wanted are fetched now. So many are at a time (Fetch::most()); networks of
// clients share that out among themselves (network_shares.h), whichever dns processes they ask. A network that has its
// share waits; when a place is free, it is the turn of the network that has fewest, and of networks that have as many,
// one after the other. No I/O.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <set>
#include <tuple>

#include "core/server/network_shares.h"

namespace swage::server {

class FetchPlaces {
 public:
  // Somebody who wants a key. In no list but while it waits.
  struct Candidate {
    std::uint32_t share = 0;  // of its network
    std::size_t bytes = 0;    // that the key counts for beside its place
    bool waits = false;
    std::list<Candidate*>::iterator at{};
  };

  // `most_bytes`: of all keys that have places.
  FetchPlaces(const NetworkShares::Key& key, std::size_t most_bytes) : shares_(key), most_bytes_(most_bytes) {}

  [[nodiscard]] std::uint32_t share_of(std::uint64_t network) const { return shares_.share_of(network); }
  // Takes one of `most` places, if the candidate's share may have it now.
  [[nodiscard]] bool take(const Candidate& candidate, std::size_t most);
  void give_back(std::uint32_t share, std::size_t bytes);
  [[nodiscard]] std::size_t taken() const { return taken_; }

  // REQUIRES: it outlives its waiting.
  void wait(Candidate& candidate);
  // Waits no more; nothing happens to one that does not wait.
  void leave(Candidate& candidate);
  // Whose turn it is, which waits still; nullptr: nobody's. It may take a place.
  [[nodiscard]] Candidate* next(std::size_t most) const;

 private:
  struct Queue {
    std::list<Candidate*> candidates{};
    std::uint64_t turn = 0;
  };
  [[nodiscard]] bool may_take(const Candidate& candidate, std::size_t most) const;
  void count(std::uint32_t share, std::size_t bytes, bool one_more);

  NetworkShares shares_;
  std::size_t taken_ = 0, bytes_ = 0, most_bytes_;
  std::map<std::uint32_t, Queue> queues_;                                  // by share
  std::set<std::tuple<std::size_t, std::uint64_t, std::uint32_t>> turns_;  // places, turn, share
  std::uint64_t last_turn_ = 0;
};

}  // namespace swage::server
