#include "tests/fleet/simulation/fleet.h"

#include <algorithm>
#include <utility>

#include "tests/fleet/simulation/group.h"

namespace swage::simulation {
namespace {

// One way. The regions lie around the Earth; the main engine is in region 0.
Time delay_to(std::size_t region, std::size_t regions) {
  constexpr Time kFarthest = 90 * kMillisecond;
  const std::size_t hops = std::min(region, regions - region);
  if (hops == 0) return kMillisecond;
  return kMillisecond + kFarthest * static_cast<Time>(hops) / static_cast<Time>(std::max<std::size_t>(1, regions / 2));
}

}  // namespace

struct Fleet::Group : simulation::Group {
  using simulation::Group::Group;
};

Fleet::Fleet(Agenda& agenda, const Shape& shape) : agenda_(agenda), shape_(shape), main_(agenda, shape.costs) {
  const std::size_t sites = shape.groups == 0 ? shape.nameservers : shape.groups;
  for (std::size_t i = 0; i < sites; ++i) {
    sites_.push_back(std::make_unique<Site>());
    Site& site = *sites_.back();
    site.region = i % shape.regions;
    site.member = std::make_unique<Member>(agenda, shape.times, main_, i, delay_to(site.region, shape.regions),
                                           [this, &site](Revision upto) { followed(site, upto); });
    if (shape.groups > 0) {
      const std::size_t size = (shape.nameservers + i) / shape.groups;
      site.group = std::make_unique<Group>(agenda, shape.times, shape.costs, size,
                                           [&site](Revision upto) { site.member->acknowledge(upto); });
    }
    site.member->join(0);
  }
}

Fleet::~Fleet() = default;

void Fleet::load(bool on) {
  if (std::exchange(loading_, on) || !on) return;
  agenda_.after(agenda_.pause(shape_.rate), [this] { register_next(); });
}

void Fleet::register_next() {
  if (!loading_) return;
  const auto which = static_cast<std::size_t>(agenda_.uniform(0, static_cast<double>(sites_.size())));
  Site& site = *sites_[std::min(which, sites_.size() - 1)];
  if (site.member->open()) register_at(site);  // elsewhere the client finds that out, and asks another broker
  agenda_.after(agenda_.pause(shape_.rate), [this] { register_next(); });
}

void Fleet::register_at(Site& site) {
  auto waiting = std::make_shared<Waiting>(Waiting{.begun = agenda_.now()});
  seen_.most_waiting = std::max(seen_.most_waiting, ++waiting_);
  agenda_.after(site.member->delay(), [this, &site, waiting] {
    main_.put_value([this, &site, waiting](Revision revision) {
      agenda_.after(site.member->delay(), [this, &site, waiting, revision] {
        waiting->revision = revision;
        site.waiting.push_back(waiting);
        answer(site);
      });
    });
  });
  agenda_.after(shape_.patience, [this, waiting] {
    if (std::exchange(waiting->done, true)) return;
    --waiting_;
    ++seen_.refused;
  });
}

// A watch of the main engine has brought `upto`.
void Fleet::followed(Site& site, Revision upto) {
  const std::uint32_t values = main_.values(upto) - main_.values(site.applied);
  site.applied = upto;
  if (values > 0 || site.member->entering()) {
    if (site.group != nullptr) {
      site.group->copy(std::max<std::uint32_t>(1, values), upto);
    } else {
      site.member->acknowledge(upto);
    }
  }
  answer(site);
}

void Fleet::answer(Site& site) {
  if (!site.member->connected()) return;
  const Revision low = main_.acknowledged(site.applied);
  while (!site.waiting.empty()) {
    const Waiting& first = *site.waiting.front();
    if (!first.done && (first.revision > site.applied || first.revision > low)) return;
    if (!std::exchange(site.waiting.front()->done, true)) {
      --waiting_;
      seen_.delays.push_back(static_cast<double>(agenda_.now() - first.begun) / static_cast<double>(kMillisecond));
      seen_.wrong += wrong(first.revision);
    }
    site.waiting.pop_front();
  }
}

std::size_t Fleet::wrong(Revision revision) const {
  std::size_t count = 0;
  for (const auto& site : sites_) {
    if (!site->member->open()) continue;
    if (site->group == nullptr) {
      count += site->applied < revision;
    } else {
      site->group->each_open([&](Revision has) { count += has < revision; });
    }
  }
  return count;
}

std::size_t Fleet::open() const {
  std::size_t count = 0;
  for (const auto& site : sites_) {
    if (!site->member->open()) continue;
    if (site->group == nullptr)
      ++count;
    else
      site->group->each_open([&](Revision) { ++count; });
  }
  return count;
}

void Fleet::cut(std::size_t region) {
  for (const auto& site : sites_) {
    if (site->region == region) site->member->cut();
  }
}

// All of them read what is there at the same time, and share what the members of the engine can send.
void Fleet::heal(std::size_t region) {
  const auto back = std::ranges::count_if(sites_, [&](const auto& site) { return site->region == region; });
  const double bytes = shape_.live * shape_.bytes_of_value * static_cast<double>(back);
  const double seconds = bytes / (shape_.reading * shape_.costs.members);
  for (const auto& site : sites_) {
    if (site->region == region) site->member->join(static_cast<Time>(seconds * static_cast<double>(kSecond)));
  }
}

Fleet::Registrations Fleet::take() {
  Registrations seen = std::exchange(seen_, {});
  seen_.most_waiting = waiting_;
  return seen;
}

const Engine* Fleet::group_engine() const {
  return sites_.front()->group == nullptr ? nullptr : &sites_.front()->group->engine();
}

}  // namespace swage::simulation
