// A group of nameservers around an engine of its own, and what its relay knows; internal to Fleet.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "tests/fleet/simulation/engine.h"
#include "tests/fleet/simulation/member.h"

namespace swage::simulation {

class Group {
 public:
  // `all_have`: every nameserver of the group has all values up to that revision of the main engine.
  Group(Agenda& agenda, fleet::MemberTimes times, EngineCosts costs, std::size_t nameservers,
        std::function<void(Revision)> all_have)
      : engine_(agenda, costs), applied_(nameservers), all_have_(std::move(all_have)) {
    constexpr Time kNear = kMillisecond;
    for (std::size_t i = 0; i < nameservers; ++i) {
      members_.push_back(std::make_unique<Member>(agenda, times, engine_, i, kNear, [this, i](Revision upto) {
        applied_[i] = upto;
        members_[i]->acknowledge(upto);
      }));
      members_.back()->join(0);
    }
    engine_.watch(0, false, kNear, [this](Revision upto) { followed(upto); });
  }

  // The relay writes `count` values, which are all up to `revision` of the main engine.
  void copy(std::uint32_t count, Revision revision) {
    for (std::uint32_t i = 1; i < count; ++i) engine_.put_value([](Revision) {});
    engine_.put_value([this, revision](Revision here) { copied_.emplace_back(here, revision); });
  }

  [[nodiscard]] const Engine& engine() const { return engine_; }
  // Those who answer challenges, of these without what the main engine had at `revision`.
  template <typename Visit>
  void each_open(Visit&& visit) const {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (members_[i]->open()) visit(in_main(applied_[i]));
    }
  }

 private:
  // What of the main engine somebody has who has seen `here` of this one.
  [[nodiscard]] Revision in_main(Revision here) const {
    const auto after = std::ranges::upper_bound(copied_, here, {}, &std::pair<Revision, Revision>::first);
    return after == copied_.begin() ? 0 : std::prev(after)->second;
  }
  void followed(Revision upto) { all_have_(in_main(engine_.acknowledged(upto))); }

  Engine engine_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<Revision> applied_;
  std::vector<std::pair<Revision, Revision>> copied_;  // revision here, revision there
  std::function<void(Revision)> all_have_;
};

}  // namespace swage::simulation
