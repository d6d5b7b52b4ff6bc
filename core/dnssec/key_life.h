// KeyLife as text: the .state file that BIND's named keeps beside a key's other files (dnssec-policy), so that a folder
// of keys moves from one to the other. No I/O; any process.
#pragma once

#include <string>
#include <string_view>

#include "core/dnssec/key_text.h"
#include "core/dnssec/rollover.h"
#include "core/result.h"

namespace swage::dnssec {

[[nodiscard]] std::string life_text(const Key& key, const KeyLife& life, const Policy& policy, std::int64_t now);
// Of `key`.
[[nodiscard]] Result<KeyLife> parse_life(std::string_view text, const Key& key);

// What the times in the files of a key say that has no .state file. `is_alone`: there is no ZSK beside it.
[[nodiscard]] KeyLife life_of_times(const StoredKey& stored, bool is_alone, std::int64_t now);
// And the reverse, for tools that look at these times.
[[nodiscard]] KeyTimes times_of_life(const KeyLife& life);

// A policy as lines "NAME VALUE", for those who look at the folder without the Corefile.
[[nodiscard]] std::string policy_text(const Policy& policy);
[[nodiscard]] Policy parse_policy(std::string_view text);  // what is not said is as in Policy

}  // namespace swage::dnssec
