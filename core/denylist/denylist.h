// Denylist: what the denylist plugin publishes, for those that ask: ipsubdomain in the dns processes, the broker in the
// service process. Where the Corefile has no denylist, nothing is on a list, and asking costs one comparison.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/denylist/image.h"
#include "core/metrics/registry.h"
#include "core/net.h"
#include "core/shm/snapshot.h"

namespace swage::denylist {

// What counts the addresses that a list has decided about.
[[nodiscard]] metrics::Counter counter(metrics::Registry& registry, Type type, std::string_view list);

class Denylist {
 public:
  // The name of the snapshot (Controller::snapshot()) for the server blocks whose first zone is this.
  [[nodiscard]] static std::string name(std::string_view zone) { return "denylist " + std::string(zone); }

  Denylist() = default;  // nothing is on a list
  // REQUIRES: `snapshot` outlives this, and so does `registry`, where there is one.
  explicit Denylist(const shm::Snapshot& snapshot, metrics::Registry* registry = nullptr)
      : snapshot_(&snapshot), registry_(registry) {}

  [[nodiscard]] bool has_lists() const { return snapshot_ != nullptr && !snapshot_->bytes().empty(); }
  // The list that decides about `address`, which is counted; see Image::find(). Where none does, the first that denies
  // an IPv4 address within it (EmbeddedIpv4). The name in it is valid until control goes back to the event loop.
  // Allocates the first time that a list decides.
  [[nodiscard]] std::optional<Match> find(const IpAddress& address) const {
    if (!has_lists()) return std::nullopt;
    const Image image(snapshot_->bytes());
    auto match = image.find(address);
    if (!match && address.is_v6()) match = find_embedded(image, address);
    if (match) [[unlikely]]
      count(*match);
    return match;
  }

 private:
  [[nodiscard]] static std::optional<Match> find_embedded(const Image& image, const IpAddress& address);
  void count(const Match& match) const;

  const shm::Snapshot* snapshot_ = nullptr;
  metrics::Registry* registry_ = nullptr;
  mutable std::vector<std::optional<metrics::Counter>> counters_;  // by the index of the list
};

}  // namespace swage::denylist
