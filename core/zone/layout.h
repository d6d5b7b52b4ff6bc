// From a Plan to the bytes of an image (core/zone/image.h). Internal to core/zone; in the service process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/zone/plan.h"
#include "core/zone/records.h"
#include "core/zone/report.h"

namespace swage::zone {

inline constexpr std::size_t kCacheLine = 64;  // bytes, of which an image has whole ones

// Where everything goes; all three must outlive it.
class Layout {
 public:
  Layout(const Plan& plan, const RecordStore& store, Report& report);

  [[nodiscard]] std::size_t size() const { return size_; }
  // Warns of servers in the zone that have no address or are an alias: only the image has a table of names. REQUIRES:
  // `image` has size() bytes and is aligned to 8.
  void write(MutableBytes image) const;

 private:
  friend class Writer;

  image::Ref place(std::size_t size, std::size_t alignment = image::kUnit);

  const Plan& plan_;
  const RecordStore& store_;
  Report& report_;
  std::size_t size_ = 0;
  std::vector<image::Ref> nodes_;           // of plan.nodes(), then of plan.nsec3s()
  std::vector<std::uint32_t> nsec_owners_;  // indexes of nodes
  std::uint32_t slot_count_;
  std::uint32_t bucket_bits_ = 1;
  image::Ref slots_, order_, order_keys_, nsec3_buckets_, nsec3_;
};

// The name in `rdata` of a type that has_targets(), at `owner`.
[[nodiscard]] dns::NameView target_name(dns::Type type, Bytes rdata, dns::NameView owner);

}  // namespace swage::zone
