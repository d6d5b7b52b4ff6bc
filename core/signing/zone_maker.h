// ZoneMaker: from a zone as its operator writes it to the signed one, version after version: keys, serial numbers, and
// when to sign again. For the directives *sign* and *file*. In the service process, which alone has the keys.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/dns/name.h"
#include "core/dnssec/zone_keys.h"
#include "core/dnssec/zone_signer.h"
#include "core/plugin/controller.h"
#include "core/result.h"
#include "core/shm/segment.h"
#include "core/signing/key_settings.h"

namespace swage::signing {

// The serial number of the signed zone. But for keep, each version has a greater one than the one before.
enum class Serial : std::uint8_t {
  unixtime,   // seconds since 1970, whatever the file says
  increment,  // the file's where that is greater than the last one, else the next number
  date,       // YYYYMMDDnn, or the file's where that is greater
  keep,       // the file's: secondaries do not see when the zone is signed again
};

struct ZoneSettings {
  ZoneSettings();

  dnssec::SigningPolicy policy;
  Serial serial = Serial::unixtime;
};

// Lines of a block, each after its first word: "nsec3 [opt-out] [salt HEX]", "serial unixtime|increment|date|keep",
// "signatures LIFETIME [renew BEFORE] [jitter J]", "zonemd [sha384|sha512]".
[[nodiscard]] Result<> read_nsec3(Controller& controller, ZoneSettings& settings);
[[nodiscard]] Result<> read_serial(Controller& controller, ZoneSettings& settings);
[[nodiscard]] Result<> read_signatures(Controller& controller, ZoneSettings& settings);
[[nodiscard]] Result<> read_zonemd(Controller& controller, ZoneSettings& settings);

// What of the zone's keys is in force at a time, in seconds since 1970; on any thread.
using KeysOf = std::function<Result<dnssec::ZoneKeys>(std::int64_t now)>;
// What keys_of() gives; its warnings, once each, are logged as `plugin`'s.
[[nodiscard]] KeysOf keys_from(KeySettings settings, dns::Name zone, std::string plugin);

// "2026-12-16 10:00:05 UTC", for the log.
[[nodiscard]] std::string time_text(std::int64_t seconds);

class ZoneMaker {
 public:
  struct Made {
    std::optional<shm::Segment> image;  // none: all is as it was
    dnssec::SignedZone figures{};
    std::int64_t next = 0;  // when to make it again, in seconds since 1970
  };

  ZoneMaker(dns::Name apex, ZoneSettings settings, KeysOf keys);

  // Signs `plain`. `before`: the version before, signed or not; empty where there is none. `name`: of the memory.
  // Blocks as long as it takes; one at a time. REQUIRES: zone::View::check() was happy with both; they are of this
  // zone.
  [[nodiscard]] Result<Made> make(Bytes plain, Bytes before, std::int64_t now, const std::string& name);
  // When the signed zone in `image` has to be made again, at the latest.
  [[nodiscard]] std::int64_t due(Bytes image, const dnssec::ZoneKeys& keys, std::int64_t now) const;
  // Whether the keys are not those of the last make(), or cannot be read. Blocks; not during make().
  [[nodiscard]] bool keys_differ(std::int64_t now) const;
  // make() ends soon, with an Error.
  void stop() { stop_ = true; }

 private:
  [[nodiscard]] std::uint32_t serial_of(Bytes plain, Bytes before, std::int64_t now) const;

  dns::Name apex_;
  ZoneSettings settings_;
  KeysOf keys_;
  std::string keys_made_with_;  // text that tells them from others
  std::int64_t step_;           // signatures that are due within it are made together, seconds
  std::atomic<bool> stop_ = false;
};

}  // namespace swage::signing
