#include "plugins/secondary/published.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/log.h"
#include "core/zone/journal.h"
#include "core/zone/view.h"
#include "core/zonemd/zonemd.h"

namespace swage::plugins::secondary {

Result<shm::Segment> make_image(const NewImage& zone, const std::string& name) {
  TRY(shm::Segment image, shm::Segment::create("swage " + name, zone.size));
  zone.write(image.writable_bytes());
  TRY(zone::View::check(image.bytes()));
  TRY(const zonemd::Check checked, zonemd::check(image.bytes()));
  if (!checked.warning.empty())
    log::warning("plugin/secondary: {}: {}", zone::View(image.bytes()).apex().to_string(), checked.warning);
  return image;
}

Result<> OwnSnapshot::compile(const NewImage& zone) {
  TRY(compiled_, make_image(zone, snapshot_.name()));
  compiled_journal_.reset();
  if (journal_ == nullptr) return {};
  const std::vector<std::uint8_t> journal = zone::next_journal(journal_->bytes(), image().bytes, compiled_.bytes());
  if (journal.empty()) return {};
  TRY(compiled_journal_, shm::Segment::create("swage " + journal_->name(), journal.size()));
  std::ranges::copy(journal, compiled_journal_->writable_bytes().begin());
  return {};
}

// The journal before the zone: whoever has the new zone has the way to it, too.
Result<> OwnSnapshot::publish() {
  if (compiled_journal_) TRY(journal_->publish(*std::exchange(compiled_journal_, std::nullopt)));
  return snapshot_.publish(std::move(compiled_));
}

Result<> OwnSnapshot::keep() {
  if (journal_ != nullptr && !journal_->bytes().empty()) TRY(journal_->keep());
  return snapshot_.keep();
}

Result<> OwnSnapshot::expire() {
  TRY(shm::Segment nothing, shm::Segment::create("swage " + snapshot_.name(), kExpiredSize));
  return snapshot_.publish(std::move(nothing));
}

}  // namespace swage::plugins::secondary
