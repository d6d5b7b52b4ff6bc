// What `store etcd …` says. A value; every process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/plugin/controller.h"

namespace swage::plugins::acme_txt {

struct FleetSettings {
  std::vector<std::string> endpoints;         // of etcd: "https://10.0.0.1:2379", at least one
  std::string prefix = "/swage";              // of all keys
  std::string user, password_file;            // none: without
  std::string certificate, key, authorities;  // files (PEM); none: without, and the system's authorities
  std::string server_id;                      // empty: made of the host's name
  std::uint64_t capacity = 100'000;           // peers
  std::int64_t lifetime = 3'600'000;          // milliseconds
  config::Token place;                        // of `store`, for errors

  // What tells it from another store, for the log, too: "etcd http://127.0.0.1:2379/swage".
  [[nodiscard]] std::string description() const;
};

// etcd URL... { prefix PATH ; credentials USER PASSWORD-FILE ; tls [CERT KEY] [CA] ; server-id NAME ; capacity N }
// REQUIRES: the current token is "etcd".
[[nodiscard]] Result<FleetSettings> read_fleet(Controller& controller);

}  // namespace swage::plugins::acme_txt
