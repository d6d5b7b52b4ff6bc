#include "core/dnssec/key_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "core/dnssec/key_life.h"
#include "core/whole_file.h"

namespace swage::dnssec {
namespace {

constexpr std::size_t kLargestState = 16 << 10;
constexpr std::int64_t kKept = std::int64_t{90} * 86400;  // seconds that the files of a dead key stay
constexpr std::string_view kState = ".state";
constexpr int kTurns = 1000;          // of waiting for the lock,
constexpr useconds_t kTurn = 10'000;  // microseconds each
constexpr int kTries = 20;            // until a new key has a tag of its own
constexpr mode_t kStateMode = 0644, kLockMode = 0600;

std::unexpected<Error> folder_error(const std::string& path) { return fail("{}: {}", path, std::strerror(errno)); }

// "example.org.", with what does not belong into the name of a file as %XX.
std::string policy_name(const dns::Name& zone) {
  std::string name;
  for (const char c : zone.lowercased().to_string())
    name += c == '/' || c == '%' ? formatted("%{:02X}", c) : std::string(1, c);
  return name + "policy";
}

std::optional<std::string> read_if_there(const std::string& path) {
  Result<std::string> text = read_whole_file(path, kLargestState);
  return text ? std::optional(*std::move(text)) : std::nullopt;
}

std::vector<KeyLife> lives_of(const std::vector<ManagedKey>& keys) {
  std::vector<KeyLife> lives;
  for (const ManagedKey& key : keys) lives.push_back(key.life);
  return lives;
}

// What a process that was killed has left of files that it was writing: nobody else writes now.
void remove_leftovers(const std::string& folder) {
  struct Close {
    void operator()(DIR* open) const { closedir(open); }
  };
  const std::unique_ptr<DIR, Close> open(opendir(folder.c_str()));
  while (const dirent* const entry = open ? readdir(open.get()) : nullptr) {
    if (std::string_view(entry->d_name).starts_with(".K")) unlink((folder + "/" + entry->d_name).c_str());
  }
}

// RFC 8078 section 4.
constexpr std::uint8_t kDeleteCds[] = {0, 0, 0, 0, 0}, kDeleteCdnskey[] = {0, 0, 3, 0, 0};

Result<ZoneKeys> in_force(const dns::Name& zone, const std::vector<ManagedKey>& keys, const Policy& policy) {
  ZoneKeys found;
  found.dnskey_ttl = static_cast<std::uint32_t>(policy.dnskey_ttl);
  const auto add = [&](const ManagedKey& managed, bool is_shown) -> Result<> {
    const Key& key = managed.stored.key;
    const std::size_t index = found.published.size();
    found.published.push_back(key);
    if (!is_shown) ++found.hidden;
    if (!key.can_sign()) return fail("the private half of {} is not there", describe(key));
    if (is_shown && managed.life.ksk) found.sign_keys.push_back(index);
    if (managed.life.signs_zone()) found.sign_zone.push_back(index);
    return {};
  };
  for (const ManagedKey& key : keys) {
    if (key.life.is_published()) TRY(add(key, true));
  }
  for (const ManagedKey& key : keys) {
    if (key.life.signs_zone() && !key.life.is_published()) TRY(add(key, false));
  }
  if (policy.secure && (found.sign_keys.empty() || found.sign_zone.empty())) {
    return fail("no key signs {} now", zone.to_string());
  }
  const Submission asked = submission(lives_of(keys), policy);
  for (const std::size_t index : asked.keys) {
    const Key& key = keys[index].stored.key;
    found.cds.push_back(ds_of(key, DsDigest::sha256));
    found.cdnskey.emplace_back(key.dnskey().begin(), key.dnskey().end());
  }
  if (asked.deletes) {
    found.cds.emplace_back(std::begin(kDeleteCds), std::end(kDeleteCds));
    found.cdnskey.emplace_back(std::begin(kDeleteCdnskey), std::end(kDeleteCdnskey));
  }
  return found;
}

}  // namespace

std::string_view role_of(const KeyLife& life) { return !life.ksk ? "ZSK" : life.zsk ? "CSK" : "KSK"; }

Result<ManagedKey> make_key(const dns::Name& zone, const WantedKey& wanted, const Policy& policy, std::int64_t now,
                            const std::vector<ManagedKey>& others) {
  const auto is_taken = [&](const Key& key) {
    std::vector<std::uint8_t> revoked(key.dnskey().begin(), key.dnskey().end());
    revoked[1] |= kRevoked;
    return std::ranges::any_of(others, [&](const ManagedKey& other) {
      return other.stored.key.tag() == key.tag() || other.stored.key.tag() == key_tag(revoked);
    });
  };
  for (int tries = 0; tries < kTries; ++tries) {
    TRY(Key key, Key::generate(zone, wanted.algorithm, wanted.ksk ? kKsk : kZsk));
    if (is_taken(key)) continue;
    ManagedKey made{{std::move(key), {}, static_cast<std::uint32_t>(policy.dnskey_ttl)}, {}};
    made.life.ksk = wanted.ksk;
    made.life.zsk = wanted.zsk;
    made.life.algorithm = wanted.algorithm;
    made.life.created = now;
    return made;
  }
  return fail("no key of {} with a tag of its own was found", zone.to_string());
}

Result<KeyFolder> KeyFolder::open(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return folder_error(path);
  if (!S_ISDIR(status.st_mode)) return fail("{}: is not a folder", path);
  if (faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
    return fail("keys are written there: {}", folder_error(path).error().text());
  }
  const std::string name = path + "/.lock";
  Descriptor lock(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kLockMode));
  if (!lock.exists()) return folder_error(name);
  if (geteuid() == 0 && fchown(lock.get(), status.st_uid, status.st_gid) != 0) return folder_error(name);
  for (int turn = 0; flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++turn) {
    if (errno != EWOULDBLOCK && errno != EINTR) return folder_error(name);
    if (turn == kTurns) return fail("{}: another process has had the folder for 10 s", path);
    usleep(kTurn);
  }
  remove_leftovers(path);
  return KeyFolder(std::move(path), std::move(lock));
}

Result<std::vector<ManagedKey>> KeyFolder::read(const dns::Name& zone, std::int64_t now,
                                                std::vector<std::string>& warnings) const {
  TRY(const std::vector<StoredKey> stored, read_key_folder(path_, warnings, &zone));
  std::vector<ManagedKey> keys;
  for (const StoredKey& each : stored) {
    const std::string path = path_ + "/" + file_name(each.key) + std::string(kState);
    ManagedKey& key = keys.emplace_back(ManagedKey{each, {}});
    if (access(path.c_str(), F_OK) == 0) {
      TRY(const std::string text, read_whole_file(path, kLargestState));
      const Result<KeyLife> life = parse_life(text, key.stored.key);
      if (!life) return fail("{}: {}", path, life.error().text());
      key.life = *life;
      continue;
    }
    const bool is_alone = std::ranges::none_of(stored, [&](const StoredKey& other) {
      return !other.key.is_entry_point() && other.key.algorithm() == key.stored.key.algorithm();
    });
    key.life = life_of_times(key.stored, is_alone, now);
  }
  std::ranges::stable_sort(keys, {}, [](const ManagedKey& key) { return key.life.created; });
  return keys;
}

Result<std::vector<dns::Name>> KeyFolder::zones() const {
  std::vector<std::string> warnings;
  TRY(const std::vector<StoredKey> stored, read_key_folder(path_, warnings));
  std::vector<dns::Name> names;
  for (const StoredKey& each : stored) names.push_back(each.key.zone());
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

Result<> KeyFolder::write(const ManagedKey& key, const Policy& policy, std::int64_t now) const {
  StoredKey stored = key.stored;
  stored.times = times_of_life(key.life);
  const std::string name = file_name(stored.key), path = path_ + "/" + name;
  // The state first: without it, the times in the other files would be believed.
  const std::string text = life_text(stored.key, key.life, policy, now);
  if (read_if_there(path + std::string(kState)) != text) {
    TRY(replace_file(path_, name + std::string(kState), as_bytes(text), kStateMode));
  }
  if (read_if_there(path + ".key") == public_text(stored)) return {};
  return write_key_files(path_, stored);
}

Result<> KeyFolder::remember(const dns::Name& zone, const Policy& policy) const {
  const std::string name = policy_name(zone), text = policy_text(policy);
  if (read_if_there(path_ + "/" + name) == text) return {};
  return replace_file(path_, name, as_bytes(text), kStateMode);
}

Policy KeyFolder::policy_of(const dns::Name& zone) const {
  const auto text = read_if_there(path_ + "/" + policy_name(zone));
  return text ? parse_policy(*text) : Policy{};
}

Result<KeyFolder::Updated> KeyFolder::update(const dns::Name& zone, const Policy& policy, std::int64_t now,
                                             const Sight& sight, std::vector<std::string>& warnings) const {
  TRY(remember(zone, policy));
  Updated updated;
  TRY(updated.keys, read(zone, now, warnings));
  std::vector<ManagedKey>& keys = updated.keys;
  Policy waits = policy;  // of what was published with a longer TTL
  std::vector<KeyLife> lives = lives_of(keys);
  std::vector<DsSight> sights;
  for (const ManagedKey& key : keys) {
    if (key.stored.ttl) waits.dnskey_ttl = std::max<std::int64_t>(waits.dnskey_ttl, *key.stored.ttl);
    if (sight) sights.push_back(sight(key.stored.key));
  }
  Advance advanced = advance(lives, waits, now, sights);
  for (int rounds = 0; !advanced.wanted.empty(); ++rounds) {
    CHECK(rounds < 3);
    for (const WantedKey& wanted : advanced.wanted) {
      TRY(ManagedKey made, make_key(zone, wanted, policy, now, keys));
      lives.push_back(made.life);
      keys.push_back(std::move(made));
    }
    advanced = advance(lives, waits, now);
  }
  updated.next_change = advanced.next_change;
  std::vector<ManagedKey> kept;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const KeyLife life = keys[i].life = lives[i];
    const std::int64_t last = std::max({life.retire, life.remove, life.stop});
    if (stage_of(life, waits, now) == Stage::dead && last + kKept <= now) {
      TRY(remove_key_files(path_, keys[i].stored.key));
      unlink((path_ + "/" + file_name(keys[i].stored.key) + std::string(kState)).c_str());
      continue;
    }
    TRY(write(keys[i], waits, now));
    kept.push_back(std::move(keys[i]));
  }
  keys = std::move(kept);
  TRY(updated.in_force, in_force(zone, keys, policy));
  updated.in_force.next_change = updated.next_change;
  return updated;
}

}  // namespace swage::dnssec
