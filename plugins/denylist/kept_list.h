// A list as it was last read, and the form in which it outlives the service process: so a feed that is down while the
// server is reloaded stays in force, and is asked whether it has changed, not sent again. Values; in the service
// process.
//
//     header | ETag | Last-Modified | entries: 1 byte of family (4, 6), 1 of length, 16 of address
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/net.h"
#include "core/result.h"
#include "core/shm/segment.h"

namespace swage::plugins::denylist {

struct KeptList {
  std::vector<Prefix> entries;
  std::int64_t time = 0;            // of the last update, seconds since 1970
  std::string etag, last_modified;  // of a feed, if it had them
};

[[nodiscard]] Result<shm::Segment> keep(const std::string& name, const KeptList& list);
// nullopt where it makes no sense: another version of swage may have kept it.
[[nodiscard]] std::optional<KeptList> recall(Bytes memory);

}  // namespace swage::plugins::denylist
