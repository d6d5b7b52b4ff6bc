// What is where in the engine (keys below what is the zone's own), and what it says:
//
//     id                       a random text: of this store, and of none that takes its place where its data were lost
//     limit/KIND/WHO           when its bucket is full: microseconds since 1970
//     node/ID                  the revision that this nameserver has seen
//     txt/SHARD/PEER/VALUE     for how long the value lives (milliseconds), and the client's network in
//     hexadecimal
//
// PEER is a peer ID in base58, VALUE is in base64url. A watch from node/ to txt0 brings nodes and values. SHARD is six
// bits of the peer's multihash, "00" to "3f": etcd looks at every key of a range for each part of it that it is asked
// for, so that a million keys are read in some seconds by 64 ranges, and in minutes by one. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/fleet/engine.h"
#include "core/libp2p/peer_id.h"
#include "core/shm/table.h"

namespace swage::fleet {

struct StoredValue {
  libp2p::PeerId peer;
  std::string value{};
  std::int64_t lifetime = 0;  // milliseconds, from when it is seen: what clocks of servers show is not compared
  shm::NetworkId network{};
};

[[nodiscard]] inline KeyRange watched_keys() { return {"node/", "txt0"}; }

// All of the same, range by range, for reading; the nodes are the first.
[[nodiscard]] std::vector<KeyRange> ranges_to_read();

[[nodiscard]] inline std::string store_key() { return "id"; }
[[nodiscard]] std::string node_key(std::string_view id);
[[nodiscard]] std::string limit_key(std::string_view whose);
// nullopt: no such key.
[[nodiscard]] std::optional<std::string> node_of(std::string_view key);
[[nodiscard]] bool is_value(std::string_view key);

// True where the value can be a part of a key.
[[nodiscard]] bool is_storable(std::string_view value);
[[nodiscard]] std::string value_key(const libp2p::PeerId& peer, std::string_view value);
[[nodiscard]] std::string value_text(std::int64_t lifetime, shm::NetworkId network);
// Of a key and what it says; of a key alone the peer and the value. nullopt where it is none.
[[nodiscard]] std::optional<StoredValue> read_value(const Entry& entry);
[[nodiscard]] std::optional<StoredValue> read_value_key(std::string_view key);

[[nodiscard]] std::optional<std::int64_t> read_number(std::string_view text);

}  // namespace swage::fleet
