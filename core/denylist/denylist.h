// Denylist: what the denylist plugin publishes, for those who ask: ipsubdomain in the dns processes, the broker in the
// service process. Where the Corefile has no denylist, nothing is on a list, and asking costs one comparison.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/denylist/image.h"
#include "core/net.h"
#include "core/shm/snapshot.h"

namespace swage::denylist {

class Denylist {
 public:
  // The name of the snapshot (Controller::snapshot()) for the server blocks whose first zone is this.
  [[nodiscard]] static std::string name(std::string_view zone) { return "denylist " + std::string(zone); }

  Denylist() = default;  // nothing is on a list
  // REQUIRES: `snapshot` outlives this.
  explicit Denylist(const shm::Snapshot& snapshot) : snapshot_(&snapshot) {}

  // The list that decides about `address`; see Image::find(). The name in it is valid until control goes back to the
  // event loop.
  [[nodiscard]] std::optional<Match> find(const IpAddress& address) const {
    if (snapshot_ == nullptr) return std::nullopt;
    return Image(snapshot_->bytes()).find(address);
  }

 private:
  const shm::Snapshot* snapshot_ = nullptr;
};

}  // namespace swage::denylist
