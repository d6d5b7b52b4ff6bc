// KeyWatch: when to look at a directive's keys again. What happens in a folder of `keys` is to be in force within a
// second, since others count on it from then on (core/dnssec/rollover.h); all else is looked at from time to time. In
// the service process.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/file_stamp.h"
#include "core/signing/key_settings.h"

namespace swage::signing {

class KeyWatch {
 public:
  // `settings` outlive it.
  explicit KeyWatch(const KeySettings& settings) : settings_(settings) {}

  // How long to wait between two questions.
  [[nodiscard]] std::chrono::seconds pause() const { return settings_.managed ? kGlance : kLook; }
  // Whether keys may have changed since it was last true. `now` in seconds since 1970.
  [[nodiscard]] bool is_due(std::int64_t now) {
    const FileStamp stamp = settings_.managed ? FileStamp::of(settings_.managed->folder) : FileStamp();
    if (stamp == seen_ && now < look_at_) return false;
    seen_ = stamp;
    look_at_ = now + kLook.count();
    return true;
  }

 private:
  static constexpr std::chrono::seconds kGlance{1}, kLook{60};

  const KeySettings& settings_;
  FileStamp seen_;
  std::int64_t look_at_ = 0;
};

}  // namespace swage::signing
