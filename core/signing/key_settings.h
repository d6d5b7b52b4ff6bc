// The keys that a directive names, for *dnssec* and *sign*: how its lines are read, and what of these keys is in force.
//
//     key file KEY...             files of BIND's form, by what the names of both begin with; they do all that they can
//     key directory DIR           a folder of such files, whose times say what becomes of each
//     keys DIR { POLICY... }      a folder in which the server makes, rolls and removes keys itself
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/dnssec/rollover.h"
#include "core/dnssec/zone_keys.h"
#include "core/plugin/controller.h"
#include "core/result.h"

namespace swage::signing {

struct KeySettings {
  struct Place {
    config::Token token;
    std::string path;
    bool is_folder = false;
  };
  // keys DIR { … }
  struct Managed {
    config::Token token;
    std::string folder;
    dnssec::Policy policy{};
    std::vector<Endpoint> parents{};  // nameservers that are asked for the DS; none: the operator says it
    std::chrono::seconds parent_interval{300};
  };
  std::vector<Place> places{};
  std::optional<Managed> managed{};

  [[nodiscard]] bool empty() const { return places.empty() && !managed; }
  // All paths, for the name of a snapshot.
  [[nodiscard]] std::string paths() const;
};

// Lines of a block, each after its first word, `key` or `keys`. Not both kinds in one block.
[[nodiscard]] Result<> read_key(Controller& controller, KeySettings& settings);
[[nodiscard]] Result<> read_keys(Controller& controller, KeySettings& settings);

// What of the keys of `zone` is in force at `now`; what is no error and hardly intended is in `warnings`. Reads files
// and, with `keys`, writes them; blocks as long as that takes, on any thread. Call it again at ZoneKeys::next_change at
// the latest: with `keys` within a minute, since others may change the folder. In the service process, whose user has
// the files.
[[nodiscard]] Result<dnssec::ZoneKeys> keys_of(const KeySettings& settings, const dns::Name& zone, std::int64_t now,
                                               std::vector<std::string>& warnings);

}  // namespace swage::signing
