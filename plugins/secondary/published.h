// Published: where the versions of a zone go that is a secondary here, so that dns processes answer from it: a snapshot
// of its own, or one of many in that of a catalog. In the service process.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "core/bytes.h"
#include "core/result.h"
#include "core/shm/snapshot.h"

namespace swage::plugins::secondary {

// An image that is yet to be written. What it is made of outlives it.
struct NewImage {
  // Of a zone::Builder that is finished, or a zone::Patch.
  template <typename Made>
  explicit NewImage(const Made& made) : size(made.image_size()), write([&made](MutableBytes to) { made.write(to); }) {}

  std::size_t size;
  std::function<void(MutableBytes)> write;
};

class Published {
 public:
  virtual ~Published() = default;
  // The version in force, for zone::View; no bytes: there is none, or it has expired.
  [[nodiscard]] virtual shm::Held image() const = 0;
  // Writes it down. On any thread.
  [[nodiscard]] virtual Result<> compile(const NewImage& zone) = 0;
  // Puts that in force.
  [[nodiscard]] virtual Result<> publish() = 0;
  // Nothing is answered any more.
  [[nodiscard]] virtual Result<> expire() = 0;
  // What there was before goes on.
  [[nodiscard]] virtual Result<> keep() = 0;
};

// What stands in the place of an image: the zone has expired.
inline constexpr std::size_t kExpiredSize = 8;  // bytes; an image is larger
[[nodiscard]] inline bool is_image(Bytes bytes) { return bytes.size() > kExpiredSize; }
[[nodiscard]] inline bool is_expired(Bytes bytes) { return bytes.size() == kExpiredSize; }

// In new memory. An Error where it is not what its ZONEMD record says (RFC 8976).
// On any thread.
[[nodiscard]] Result<shm::Segment> make_image(const NewImage& zone, const std::string& name);

// A zone that has a snapshot to itself, and one of its journal (core/zone/journal.h) where somebody wants that.
class OwnSnapshot : public Published {
 public:
  OwnSnapshot(shm::Snapshot& snapshot, shm::Snapshot* journal) : snapshot_(snapshot), journal_(journal) {}
  [[nodiscard]] shm::Held image() const override {
    return is_image(snapshot_.bytes()) ? snapshot_.hold() : shm::Held();
  }
  [[nodiscard]] Result<> compile(const NewImage& zone) override;
  [[nodiscard]] Result<> publish() override;
  [[nodiscard]] Result<> expire() override;
  [[nodiscard]] Result<> keep() override;

 private:
  shm::Snapshot& snapshot_;
  shm::Snapshot* const journal_;
  shm::Segment compiled_;
  std::optional<shm::Segment> compiled_journal_;  // none: the journal stays as it is
};

}  // namespace swage::plugins::secondary
