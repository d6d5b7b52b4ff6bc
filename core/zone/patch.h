// Patch: the image of a zone's next version, made of the image before and of an image of the few names that have
// changed. It is copied in long pieces: no record is checked, sorted or hashed that stays what it
// is. In the service process; no I/O.
//
//     image before   | Header | Slots | Node a | Node b | Node c | Node d | …
//     part                            | apex   | Node b'| Node bb |           b is another one, bb is new, c is gone
//     image          | Header | Slots | Node a'| Node b'| Node bb | Node d | …   Refs after a change are shifted
//
// What comes out differs from a zone that was built as a whole in the table of names alone: that keeps its size, and
// names that are gone leave slots behind which lead nowhere.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/zone/image.h"

namespace swage::zone {

class Patch {
 public:
  // `names`: those whose records have changed, in canonical order; `part`: an image of all records that they have now,
  // and of nothing else. nullopt where the zone has to be built as a whole: it has NSEC or NSEC3 records; the apex,
  // whose serial changes, is not among the names; a delegation, a DNAME or a wildcard begins or ends, which other
  // names know; or the table of names has no more room. REQUIRES: View::check() was happy with both images, they are of
  // the same zone, and outlive this.
  [[nodiscard]] static std::optional<Patch> make(Bytes image, Bytes part, std::span<const dns::Name> names);

  [[nodiscard]] std::size_t image_size() const { return size_; }
  // REQUIRES: `to` has image_size() bytes and is aligned to 8.
  void write(MutableBytes to) const;

 private:
  struct Edit {
    image::Ref at;                      // in the image before
    image::Ref old_size = 0;            // units; 0: a name that was not there
    const image::Node* node = nullptr;  // what comes there; nullptr: nothing
    image::Ref new_size = 0;
  };
  // What becomes of refs from a place on.
  struct Shift {
    image::Ref from;
    bool gone;               // there
    std::int64_t at, after;  // to be added, there and after it
  };
  class Planner;
  class Writer;

  [[nodiscard]] image::Ref shifted(image::Ref ref) const;

  Bytes image_, part_;
  std::vector<Edit> edits_;  // by place
  std::vector<Shift> shifts_;
  std::deque<std::array<std::uint32_t, 70>> made_;  // nodes without records
  std::size_t size_ = 0;
  image::Ref nodes_end_ = 0;
  std::int64_t more_nodes_ = 0, more_records_ = 0;
};

}  // namespace swage::zone
