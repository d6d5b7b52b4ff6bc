// The broker's secrets as files of the operator, or kept in memory by the supervisor. All of this is I/O, for a
// Service's prepare(). Errors name the path and never what is in it.
#pragma once

#include <string>
#include <string_view>

#include "core/crypto/random.h"
#include "core/crypto/secret.h"
#include "core/result.h"
#include "core/shm/shared.h"

namespace swage::plugins::broker {

inline constexpr std::size_t kMinSecret = 32;
inline constexpr std::size_t kMaxSecret = 4096;

// A file of kMinSecret to kMaxSecret bytes, as they are. Warns in the log, under the name of `plugin`, where others
// than its owner can read it.
[[nodiscard]] Result<crypto::Secret> read_secret(const std::string& path, std::string_view plugin);

// One line of printable ASCII; the spaces around it do not count. `where` it was found is for the error.
[[nodiscard]] Result<crypto::Secret> parse_access_token(std::string_view text, const std::string& where);

// A file that holds one. Warns as read_secret() does.
[[nodiscard]] Result<crypto::Secret> read_access_token(const std::string& path, std::string_view plugin);

// What the file holds, which is made with 32 random bytes and mode 0600 where there is none: whole or not at all, and
// by one of those who try at the same time. Warns as read_secret() does.
[[nodiscard]] Result<crypto::Secret> read_or_make_secret(const std::string& path, crypto::Random& random,
                                                         std::string_view plugin);

// The same in memory that outlives this process, not the server.
[[nodiscard]] Result<crypto::Secret> keep_secret(shm::ServiceMemory& memory, crypto::Random& random);

}  // namespace swage::plugins::broker
