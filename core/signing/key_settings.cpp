#include "core/signing/key_settings.h"

#include <algorithm>
#include <utility>

#include "core/dnssec/key_file.h"
#include "core/dnssec/key_folder.h"

namespace swage::signing {
namespace {

using dnssec::KeyTimes;
using dnssec::StoredKey;
using dnssec::ZoneKeys;

constexpr std::uint32_t kLongest = 10 * 366 * 86400;  // seconds, of any time
constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kMostParents = 16;
constexpr std::chrono::seconds kLeastInterval{10}, kMostInterval{86400};
constexpr std::int64_t kLook = 60;  // seconds after which a folder may have been changed by others

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

namespace {

// parent ADDRESS... [every INTERVAL]
Result<> read_parent(Controller& controller, KeySettings::Managed& managed) {
  TRY(const Endpoint first, controller.expect_endpoint(kDnsPort));
  managed.parents.push_back(first);
  while (controller.has_arg()) {
    static_cast<void>(controller.next_arg());
    if (controller.val() == "every") {
      TRY(const auto interval, controller.expect_duration(kLeastInterval, kMostInterval));
      managed.parent_interval = std::chrono::ceil<std::chrono::seconds>(interval);
      return {};
    }
    const Result<Endpoint> parent = Endpoint::parse(controller.val(), kDnsPort);
    if (!parent) return controller.fail("{}", parent.error().text());
    managed.parents.push_back(*parent);
    if (managed.parents.size() > kMostParents) return controller.fail("more than {} nameservers", kMostParents);
  }
  return {};
}

Result<> read_algorithm(Controller& controller, dnssec::Policy& policy) {
  TRY(const std::string_view word, controller.expect_arg("an algorithm"));
  const auto algorithm = dnssec::parse_algorithm(word);
  if (!algorithm) {
    return controller.fail(
        "'{}' is not an algorithm that is supported: RSASHA256, RSASHA512, ECDSAP256SHA256, ECDSAP384SHA384 or ED25519",
        word);
  }
  policy.algorithm = *algorithm;
  return {};
}

Result<> check(Controller& controller, const KeySettings::Managed& managed) {
  const dnssec::Policy& policy = managed.policy;
  for (const auto& [name, lifetime] :
       {std::pair("ksk-lifetime", policy.ksk_lifetime), std::pair("zsk-lifetime", policy.zsk_lifetime)}) {
    if (lifetime == 0 || lifetime >= policy.least_lifetime()) continue;
    return controller.fail_at(managed.token,
                              "keys: {}: a roll takes {} seconds with these times: no key may live shorter", name,
                              policy.least_lifetime());
  }
  if (policy.single && policy.zsk_lifetime != 0) {
    return controller.fail_at(managed.token,
                              "keys: zsk-lifetime: is for 'split'; without, there is one key, of ksk-lifetime");
  }
  return {};
}

}  // namespace

Result<> read_keys(Controller& controller, KeySettings& settings) {
  if (!settings.places.empty() || settings.managed) return controller.fail("one 'keys', or 'key' lines, in a block");
  KeySettings::Managed managed;
  managed.token = controller.token();
  TRY(managed.folder, controller.expect_path("the path of a folder"));
  dnssec::Policy& policy = managed.policy;
  const auto time = [&](const char* name, std::int64_t& to) {
    return config::Dispenser::Property{
        name, [&controller, &to] { return assign(to, controller.expect_seconds(0, kLongest)); }};
  };
  TRY(controller.read_block({
      {"algorithm", [&] { return read_algorithm(controller, policy); }},
      {"split",
       [&]() -> Result<> {
         policy.single = false;
         return {};
       }},
      {"unsign",
       [&]() -> Result<> {
         policy.secure = false;
         return {};
       }},
      time("ksk-lifetime", policy.ksk_lifetime),
      time("zsk-lifetime", policy.zsk_lifetime),
      time("dnskey-ttl", policy.dnskey_ttl),
      time("zone-ttl", policy.zone_ttl),
      time("propagation", policy.propagation),
      time("parent-ttl", policy.parent_ttl),
      time("parent-propagation", policy.parent_propagation),
      time("safety", policy.safety),
      {"parent", [&] { return read_parent(controller, managed); }},
  }));
  TRY(check(controller, managed));
  settings.managed = std::move(managed);
  return {};
}

namespace {

Result<ZoneKeys> managed_keys_of(const KeySettings::Managed& managed, const dns::Name& zone, std::int64_t now,
                                 std::vector<std::string>& warnings) {
  const Result<dnssec::KeyFolder> folder = dnssec::KeyFolder::open(managed.folder);
  if (!folder) return std::unexpected(managed.token.error(folder.error().text()));
  auto updated = folder->update(zone, managed.policy, now, {}, warnings);
  if (!updated) return std::unexpected(managed.token.error(updated.error().text()));
  ZoneKeys keys = std::move(updated->in_force);
  const std::int64_t look = now + kLook;
  keys.next_change = keys.next_change == 0 ? look : std::min(keys.next_change, look);
  return keys;
}

}  // namespace

Result<ZoneKeys> keys_of(const KeySettings& settings, const dns::Name& zone, std::int64_t now,
                         std::vector<std::string>& warnings) {
  if (settings.managed) return managed_keys_of(*settings.managed, zone, now, warnings);
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
