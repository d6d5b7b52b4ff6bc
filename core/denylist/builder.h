// ImageBuilder: makes one image of all lists. In the service process, on any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/denylist/image.h"
#include "core/denylist/layout.h"
#include "core/net.h"

namespace swage::denylist {

// How many lists an image can tell apart.
inline constexpr std::size_t kMaxLists = layout::kMaxLists;

struct Source {
  std::string name;
  Type type{};
  std::span<const Prefix> entries;  // in any order, with any overlaps; those of mapped addresses are IPv4's
};

class ImageBuilder {
 public:
  // In the order of the Corefile. `seed`: random. REQUIRES: at most kMaxLists; what they say outlives this; together at
  // most kMaxEntries.
  static constexpr std::size_t kMaxEntries = (std::size_t{1} << 28) - 1;
  ImageBuilder(std::span<const Source> lists, std::uint64_t seed);

  [[nodiscard]] std::size_t size() const;  // bytes
  // REQUIRES: `memory` has size() bytes, all 0, aligned to 8.
  void write(MutableBytes memory) const;

 private:
  template <typename Family>
  struct Built {
    std::vector<typename Family::Range> ranges;
    std::vector<typename Family::Slot> slots;  // in no order, without empty ones
    bool saturated = false;

    void drop_ranges();
  };

  template <typename Family>
  void build(Built<Family>& built) const;
  template <typename Family>
  void write(MutableBytes memory, const Built<Family>& built) const;

  std::span<const Source> lists_;
  Built<layout::V4> v4_;
  Built<layout::V6> v6_;
  layout::Header header_{};
};

}  // namespace swage::denylist
