#include "core/signing/zone_maker.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <set>
#include <thread>

#include "core/dns/base_encodings.h"
#include "core/dns/serial.h"
#include "core/log.h"
#include "core/signing/zone_digest.h"
#include "core/update/serial.h"
#include "core/zone/builder.h"
#include "core/zone/view.h"
#include "core/zonemd/zonemd.h"

namespace swage::signing {
namespace {

constexpr std::int64_t kHour = 3600, kDay = 24 * kHour;
constexpr unsigned kMostThreads = 2;  // the other cores answer queries
constexpr std::size_t kMostSalt = 255;
constexpr std::size_t kMostTold = 100;  // warnings

std::int64_t in_seconds(std::chrono::milliseconds time) {
  return std::chrono::ceil<std::chrono::seconds>(time).count();
}

// All that a zone has of its keys.
std::string text_of(const dnssec::ZoneKeys& keys) {
  std::string text = std::to_string(keys.dnskey_ttl);
  const auto add = [&text](Bytes bytes) { text.append(1, '|').append(as_text(bytes)); };
  for (const dnssec::Key& key : keys.published) add(key.dnskey());
  for (const auto* const indexes : {&keys.sign_keys, &keys.sign_zone}) {
    text += '#';
    for (const std::size_t index : *indexes) text += std::to_string(index) + ",";
  }
  for (const auto* const records : {&keys.cds, &keys.cdnskey}) {
    text += '#';
    for (const auto& each : *records) add(each);
  }
  return text;
}

std::uint32_t greatest(std::uint32_t a, std::uint32_t b) { return dns::serial_after(b, a) ? b : a; }

}  // namespace

// A month, and half of it at most between two signatures: a server that is away for two weeks leaves nothing expired.
ZoneSettings::ZoneSettings() {
  policy.validity = {.before = kHour, .lifetime = 30 * kDay, .jitter = 5 * kDay, .renew_before = 14 * kDay};
  policy.threads = std::clamp(std::thread::hardware_concurrency(), 1U, kMostThreads);
}

Result<> read_nsec3(Controller& controller, ZoneSettings& settings) {
  settings.policy.nsec3 = true;
  while (controller.has_arg()) {
    TRY(const std::string_view word, controller.one_of({"opt-out", "salt"}));
    if (word == "opt-out") {
      settings.policy.opt_out = true;
      continue;
    }
    TRY(const std::string_view salt, controller.expect_arg("a salt in hexadecimal"));
    settings.policy.salt.clear();
    if (!dns::decode_hex(salt, settings.policy.salt) || settings.policy.salt.size() > kMostSalt) {
      return controller.fail("'{}' is not a salt: up to {} bytes in hexadecimal", salt, kMostSalt);
    }
  }
  return {};
}

Result<> read_serial(Controller& controller, ZoneSettings& settings) {
  TRY(const std::string_view word, controller.one_of({"unixtime", "increment", "date", "keep"}));
  settings.serial = word == "unixtime"    ? Serial::unixtime
                    : word == "increment" ? Serial::increment
                    : word == "date"      ? Serial::date
                                          : Serial::keep;
  return {};
}

Result<> read_signatures(Controller& controller, ZoneSettings& settings) {
  dnssec::ValidityPolicy& validity = settings.policy.validity;
  constexpr std::chrono::seconds kLeast(10), kMost(3650 * kDay);
  TRY(const auto lifetime, controller.expect_duration(kLeast, kMost));
  validity.lifetime = in_seconds(lifetime);
  validity.renew_before = validity.lifetime * 14 / 30;
  validity.jitter = validity.lifetime / 6;
  while (controller.has_arg()) {
    TRY(const std::string_view word, controller.one_of({"renew", "jitter"}));
    TRY(const auto time, controller.expect_duration({}, kMost));
    (word == "renew" ? validity.renew_before : validity.jitter) = in_seconds(time);
  }
  if (validity.renew_before + validity.jitter >= validity.lifetime) {
    return controller.fail("'renew' ({} s) and 'jitter' ({} s) leave nothing of the lifetime ({} s)",
                           validity.renew_before, validity.jitter, validity.lifetime);
  }
  return {};
}

Result<> read_zonemd(Controller& controller, ZoneSettings& settings) {
  std::string_view word = "sha384";
  if (controller.has_arg()) {
    TRY(word, controller.one_of({"sha384", "sha512"}));
  }
  settings.policy.zonemd = zonemd::reserved(word == "sha384" ? zonemd::Hash::sha384 : zonemd::Hash::sha512);
  return {};
}

KeysOf keys_from(KeySettings settings, dns::Name zone, std::string plugin) {
  const auto told = std::make_shared<std::set<std::string>>();
  return [=](std::int64_t now) {
    std::vector<std::string> warnings;
    auto keys = keys_of(settings, zone, now, warnings);
    for (const std::string& each : warnings) {
      if (told->size() < kMostTold && told->insert(each).second) log::warning("{}: {}", plugin, each);
    }
    return keys;
  };
}

std::string time_text(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

ZoneMaker::ZoneMaker(dns::Name apex, ZoneSettings settings, KeysOf keys)
    : apex_(apex), settings_(std::move(settings)), keys_(std::move(keys)) {
  const dnssec::ValidityPolicy& validity = settings_.policy.validity;
  const std::int64_t between = validity.lifetime - validity.jitter - validity.renew_before;
  step_ = std::min(kHour, between / 4);
  settings_.policy.stop = &stop_;
}

std::uint32_t ZoneMaker::serial_of(Bytes plain, Bytes before, std::int64_t now) const {
  const std::uint32_t own = zone::View(plain).serial();
  if (settings_.serial == Serial::keep) return own;
  const std::uint32_t last = before.empty() ? 0 : zone::View(before).serial();
  switch (settings_.serial) {
    case Serial::unixtime:
      return update::next_serial(last, update::SerialPolicy::unixtime, now);
    case Serial::date:
      return greatest(own, update::next_serial(last, update::SerialPolicy::date, now));
    default:
      return before.empty() ? own : greatest(own, update::next_serial(last, update::SerialPolicy::increment, now));
  }
}

std::int64_t ZoneMaker::due(Bytes image, const dnssec::ZoneKeys& keys, std::int64_t now) const {
  const std::int64_t expire = zone::View(image).signatures_expire_at(now).value_or(now);
  const std::int64_t renew = expire - settings_.policy.validity.renew_before;
  return keys.next_change == 0 ? renew : std::min(renew, keys.next_change);
}

bool ZoneMaker::keys_differ(std::int64_t now) const {
  const Result<dnssec::ZoneKeys> keys = keys_(now);
  return !keys || text_of(*keys) != keys_made_with_;
}

Result<ZoneMaker::Made> ZoneMaker::make(Bytes plain, Bytes before, std::int64_t now, const std::string& name) {
  TRY(const dnssec::ZoneKeys keys, keys_(now));
  dnssec::SigningPolicy policy = settings_.policy;
  policy.validity.renew_before += step_;
  zone::Builder builder(apex_, now);
  const std::uint32_t serial = serial_of(plain, before, now);
  Made made;
  TRY(made.figures, dnssec::sign_zone(plain, before, serial, keys, policy, now, builder));
  keys_made_with_ = text_of(keys);
  const bool newer = !before.empty() && dns::serial_after(zone::View(plain).serial(), zone::View(before).serial());
  if (!made.figures.changed && !(newer && settings_.serial != Serial::unixtime)) {
    made.next = due(before, keys, now);
    return made;
  }
  TRY(shm::Segment image, shm::Segment::create(name, builder.image_size()));
  builder.write(image.writable_bytes());
  if (!policy.zonemd.empty()) {
    TRY(fill_in_digest(image.writable_bytes(), keys, now));
  }
  TRY(zone::View::check(image.bytes()));
  made.next = due(image.bytes(), keys, now);
  made.image = std::move(image);
  return made;
}

}  // namespace swage::signing
