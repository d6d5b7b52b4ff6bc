// KeyFolder: the folder in which a zone's keys lie while the server makes, rolls and removes them: BIND's three files
// for each key (.key, .private, .state), the policy in force for each zone, and a lock. The server and `swage keys`
// both open it; one at a time has it. In the service process, or the command; blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/descriptor.h"
#include "core/dnssec/key_file.h"
#include "core/dnssec/rollover.h"
#include "core/dnssec/zone_keys.h"
#include "core/result.h"

namespace swage::dnssec {

struct ManagedKey {
  StoredKey stored;
  KeyLife life{};
};

class KeyFolder {
 public:
  // Waits for its turn, 10 s at most. An Error where the folder cannot be written.
  [[nodiscard]] static Result<KeyFolder> open(std::string path);

  [[nodiscard]] const std::string& path() const { return path_; }
  // Of one zone, the oldest first; what is hardly intended is in `warnings`.
  [[nodiscard]] Result<std::vector<ManagedKey>> read(const dns::Name& zone, std::int64_t now,
                                                     std::vector<std::string>& warnings) const;
  // Those of which it has keys, sorted.
  [[nodiscard]] Result<std::vector<dns::Name>> zones() const;

  // Writes what differs from the files.
  [[nodiscard]] Result<> write(const ManagedKey& key, const Policy& policy, std::int64_t now) const;

  // What the parent has of a key; empty: nobody has looked.
  using Sight = std::function<DsSight(const Key& key)>;
  struct Updated {
    std::vector<ManagedKey> keys;
    ZoneKeys in_force;
    std::int64_t next_change = 0;  // 0: only when somebody does something
  };
  // Takes all steps that can be taken: makes the keys that are missing, writes what has changed, removes the files of
  // keys that have been dead for 90 days. Killed in between, the next call does the rest.
  [[nodiscard]] Result<Updated> update(const dns::Name& zone, const Policy& policy, std::int64_t now,
                                       const Sight& sight, std::vector<std::string>& warnings) const;

  // The policy that update() was called with last.
  [[nodiscard]] Policy policy_of(const dns::Name& zone) const;

 private:
  KeyFolder(std::string path, Descriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  [[nodiscard]] Result<> remember(const dns::Name& zone, const Policy& policy) const;

  std::string path_;
  Descriptor lock_;
};

// A new key for `wanted`, whose tag none of `others` has, and none of them with the REVOKE bit set (RFC 5011).
[[nodiscard]] Result<ManagedKey> make_key(const dns::Name& zone, const WantedKey& wanted, const Policy& policy,
                                          std::int64_t now, const std::vector<ManagedKey>& others);

// "KSK", "ZSK" or "CSK".
[[nodiscard]] std::string_view role_of(const KeyLife& life);

}  // namespace swage::dnssec
