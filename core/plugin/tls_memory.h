// What dns processes need for tls:// and https://, as it lies in the snapshots that TlsSettings names. *tls* writes
// them, in the service process; core/server reads them.
//
//     identity   16 bytes that no other version has; 3 sizes of 4 bytes; certificates, key, authorities of clients: PEM
//     tickets    8 bytes: when the first key was made, seconds since 1970; keys of async::kTicketKey bytes, the newest
//                first
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"
#include "core/shm/segment.h"

namespace swage::tls_memory {

inline constexpr std::size_t kVersion = 16;  // bytes
inline constexpr std::size_t kMadeAt = 8;

struct Identity {
  Bytes version;
  std::string_view chain, key, authorities;
};

// All empty where there is none. What it says points into `memory`.
[[nodiscard]] Identity read_identity(Bytes memory);
// `version` is made up.
[[nodiscard]] Result<shm::Segment> write_identity(std::string_view chain, std::string_view key,
                                                  std::string_view authorities);

[[nodiscard]] inline Bytes ticket_keys(Bytes memory) {
  return memory.size() < kMadeAt ? Bytes() : memory.subspan(kMadeAt);
}

}  // namespace swage::tls_memory
