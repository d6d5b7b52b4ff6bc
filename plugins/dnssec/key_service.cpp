// KeyService: has keys read, signs their own RRsets, publishes what dns processes need of both.
#include <algorithm>
#include <chrono>
#include <ctime>

#include "core/async/work.h"
#include "core/counted.h"
#include "core/signing/key_watch.h"
#include "plugins/dnssec/dnssec.h"

namespace swage::plugins::dnssec {

using swage::dnssec::Key;
using swage::dnssec::ZoneKeys;

namespace {

constexpr std::chrono::seconds kLook{30};  // between two looks at the time
constexpr std::int64_t kRetry = 600;       // seconds

// "2 keys; 12345 signs keys, 54321 the rest": another one whenever something else is published.
std::string description_of(const ZoneKeys& keys) {
  std::string text = counted(keys.published.size(), "key");
  const auto list = [&](const std::vector<std::size_t>& numbers) {
    for (const std::size_t number : numbers) text += formatted(" {}", keys.published[number].tag());
  };
  text += " (";
  for (const Key& key : keys.published) {
    text += formatted("{}{} {}", &key == keys.published.data() ? "" : ", ", key.tag(), name_of(key.algorithm()));
  }
  text += "); keys are signed by";
  list(keys.sign_keys);
  text += ", answers by";
  list(keys.sign_zone);
  if (!keys.cds.empty()) text += ", CDS";
  for (const std::vector<std::uint8_t>& cds : keys.cds) {
    if (cds.size() >= 5) text += formatted(" {}/{}", load_u16(cds.data()), cds[3]);  // tag and type of digest
  }
  return text;
}

}  // namespace

KeyService::KeyService(signing::KeySettings settings, const std::vector<SignedZone>& zones, config::Token directive)
    : settings_(std::move(settings)), directive_(std::move(directive)) {
  for (const SignedZone& zone : zones) zones_.push_back({.place = zone});
}

// On any thread.
Result<KeyService::Read> KeyService::read(const Zone& zone, std::int64_t now) const {
  Read read;
  TRY(read.keys, signing::keys_of(settings_, zone.place.apex, now, read.warnings));
  return read;
}

Result<> KeyService::take(Zone& zone, const Result<Read>& read, std::int64_t now) {
  zone.ready = read.has_value();
  if (!read) return std::unexpected(read.error());
  const std::string keys = description_of(read->keys);
  zone.next_change = read->keys.next_change;
  if (keys == zone.keys && now < zone.renew_at) return {};
  for (const std::string& warning : read->warnings) log::warning("plugin/dnssec: {}", warning);
  TRY(Written written, write_published(read->keys, zone.place.apex, now));
  TRY(zone.place.snapshot->publish(std::move(written.memory)));
  if (keys != zone.keys) log::info("plugin/dnssec: {}: {}", zone.place.apex.to_string(), keys);
  zone.keys = keys;
  zone.renew_at = written.renew_at;
  return {};
}

Result<> KeyService::prepare() {
  const std::int64_t now = std::time(nullptr);
  for (Zone& zone : zones_) {
    const Result<> done = take(zone, read(zone, now), now);
    if (done) continue;
    const std::string& text = done.error().text();
    return std::unexpected(text.starts_with(directive_.file + ":") ? done.error() : directive_.error(text));
  }
  return {};
}

bool KeyService::is_due(const Zone& zone, std::int64_t now) const {
  return now >= zone.renew_at || (zone.next_change != 0 && now >= zone.next_change);
}

bool KeyService::ready() const {
  return std::ranges::all_of(zones_, [](const Zone& zone) { return zone.ready; });
}

async::Task<Result<>> KeyService::run(Host& host) {
  signing::KeyWatch watch(settings_);
  const std::chrono::seconds pause = std::min(kLook, watch.pause());
  while (true) {
    const bool stopped = co_await host.stopping(pause);
    if (stopped) co_return Result<>();
    const std::int64_t now = std::time(nullptr);
    const bool changed = settings_.managed && watch.is_due(now);
    for (Zone& zone : zones_) {
      if (!changed && !is_due(zone, now)) continue;
      const bool was_ready = zone.ready;
      const auto read_zone = [this, &zone, now] { return read(zone, now); };
      const Result<Read> read = co_await async::work(host.loop(), read_zone);
      const Result<> done = take(zone, read, now);
      if (done) continue;
      if (was_ready) log::error("plugin/dnssec: {}; the keys stay as they were", done.error().text());
      zone.ready = false;
      zone.next_change = now + kRetry;
    }
  }
}

}  // namespace swage::plugins::dnssec
