#include "core/signing/key_settings.h"

#include <algorithm>
#include <utility>

#include "core/dnssec/key_file.h"

namespace swage::signing {
namespace {

using dnssec::KeyTimes;
using dnssec::StoredKey;
using dnssec::ZoneKeys;

struct Use {
  bool publishes = true, signs = true;
};

// What the times of a file say of a key at `now`. `next`: when that changes; only becomes sooner.
Use use_at(const KeyTimes& times, std::int64_t now, std::int64_t& next) {
  const auto passed = [&](const KeyTimes::Time& time, bool without) {
    if (!time) return without;
    if (*time > now) next = next == 0 ? *time : std::min(next, *time);
    return *time <= now;
  };
  const bool published = passed(times.publish, true) && !passed(times.remove, false);
  const bool active = passed(times.activate, true) && !passed(times.inactive, false);
  return {.publishes = published, .signs = published && active};
}

// Keys that are in force, each once.
class Collection {
 public:
  explicit Collection(const dns::Name& zone) : zone_(zone) {}

  void add(StoredKey stored, Use use) {
    if (!use.publishes || std::ranges::find(keys_.published, stored.key) != keys_.published.end()) return;
    if (use.signs && stored.key.can_sign()) signing_.push_back(keys_.published.size());
    if (stored.ttl) keys_.dnskey_ttl = *stored.ttl;
    keys_.published.push_back(std::move(stored.key));
  }
  [[nodiscard]] std::int64_t& next_change() { return keys_.next_change; }

  // As CoreDNS has it: KSKs sign the keys and ZSKs the rest, where there are both; else all sign all.
  Result<ZoneKeys> finish() {
    if (signing_.empty()) return fail("no key signs {} now", zone_.to_string());
    for (const std::size_t index : signing_) {
      (keys_.published[index].is_entry_point() ? keys_.sign_keys : keys_.sign_zone).push_back(index);
    }
    if (keys_.sign_keys.empty()) keys_.sign_keys = keys_.sign_zone;
    if (keys_.sign_zone.empty()) keys_.sign_zone = keys_.sign_keys;
    return std::move(keys_);
  }

 private:
  const dns::Name& zone_;
  ZoneKeys keys_;
  std::vector<std::size_t> signing_;
};

}  // namespace

std::string KeySettings::paths() const {
  std::string text;
  for (const Place& place : places) text += " " + place.path;
  if (managed) text += " " + managed->folder;
  return text;
}

Result<> read_key(Controller& controller, KeySettings& settings) {
  if (settings.managed) return controller.fail("'key' and 'keys' in one block");
  TRY(const std::string_view kind, controller.one_of({"file", "directory"}));
  const bool is_folder = kind == "directory";
  do {
    TRY(std::string path, controller.expect_path(is_folder ? "the path of a folder" : "the path of a key"));
    settings.places.push_back({controller.token(), std::move(path), is_folder});
  } while (!is_folder && controller.has_arg());
  return {};
}

Result<ZoneKeys> keys_of(const KeySettings& settings, const dns::Name& zone, std::int64_t now,
                         std::vector<std::string>& warnings) {
  if (settings.managed) return fail("not yet");
  Collection keys(zone);
  for (const KeySettings::Place& place : settings.places) {
    if (place.is_folder) {
      Result<std::vector<StoredKey>> found = dnssec::read_key_folder(place.path, warnings);
      if (!found) return std::unexpected(place.token.error(found.error().text()));
      for (StoredKey& stored : *found) {
        if (stored.key.zone() != zone) continue;
        const Use use = use_at(stored.times, now, keys.next_change());
        keys.add(std::move(stored), use);
      }
      continue;
    }
    Result<StoredKey> stored = dnssec::read_key_files(place.path, dnssec::Half::refused, warnings);
    if (!stored) return std::unexpected(place.token.error(stored.error().text()));
    if (stored->key.zone() == zone) keys.add(*std::move(stored), {});
  }
  return keys.finish();
}

}  // namespace swage::signing
