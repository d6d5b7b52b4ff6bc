// What a database that is asked for each peer has said lately, in the table of the challenge store: that a peer has a
// value, or that it has none. By CLOCK_BOOTTIME, and for kRememberedFor from when the question was sent, so that a
// value which was written for that long is answered everywhere. Written by the service process, read for queries.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/bytes.h"
#include "core/forge/challenge_store.h"
#include "core/shm/table.h"

namespace swage::plugins::acme_txt {

inline constexpr std::chrono::milliseconds kRememberedFor{2000};

// False where the database has to be asked. Otherwise `values`, as they were found in the table, are what it said.
[[nodiscard]] bool is_remembered(forge::Challenges& values);

// `value`: none where the peer has none. `sent`: when it was asked. False where it cannot be kept: there is no room, or
// it is not a value that the table can have. Times in milliseconds of CLOCK_BOOTTIME.
[[nodiscard]] bool remember(shm::TableWriter& table, Bytes multihash, std::optional<std::string_view> value,
                            std::int64_t sent, std::int64_t now);

}  // namespace swage::plugins::acme_txt
