// NetworkShares: how much of something the networks of clients have. A network may take a place as long as it has fewer
// than are free: so one alone has half of them at most, N that want all of it an N+1th each, and as much is left for
// whoever comes next (dynamic thresholds, by which switches share their buffers: Choudhury and Hahne, 1998). The same
// holds for bytes.
//
// What is shared so: the memory for queries that wait, in each dns process (park.h), and what is asked at a time, in
// the process that asks (fetch_places.h).
//
// Networks are counted by a keyed hash: 64 KiB, whatever comes in, and nobody can look for networks that share a place
// with one that he wants to harm. No I/O.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace swage::server {

struct ShareRoom {
  std::size_t places = 0, bytes = 0;
};

class NetworkShares {
 public:
  using Key = std::array<std::uint8_t, 16>;

  // `key`: unpredictable.
  explicit NetworkShares(const Key& key) : key_(key) {}
  // Of a random key.
  [[nodiscard]] static Key new_key();

  // The share of a client's network (network_number() in client_network.h); that of another one with a chance of 1 in
  // kShares.
  [[nodiscard]] std::uint32_t share_of(std::uint64_t network) const;
  // Whether it may have one place more, and so many bytes, where so much is free.
  [[nodiscard]] bool has_room(std::uint32_t share, std::size_t bytes, const ShareRoom& free) const;
  void add(std::uint32_t share, std::size_t bytes);
  void remove(std::uint32_t share, std::size_t bytes);
  [[nodiscard]] std::size_t places(std::uint32_t share) const { return taken_[share].places; }

 private:
  static constexpr std::size_t kShares = 4096;

  Key key_;
  std::vector<ShareRoom> taken_ = std::vector<ShareRoom>(kShares);
};

}  // namespace swage::server
