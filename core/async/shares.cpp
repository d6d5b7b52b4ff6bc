#include "core/async/shares.h"

#include <utility>

namespace swage::async {

Shares::~Shares() {
  for (auto& [name, group] : groups_) {
    while (!group.waiting.alone()) {
      auto& wait = static_cast<Wait&>(static_cast<Waiter&>(group.waiting.first()));
      wait.leave();
      wait.group_ = nullptr;
    }
  }
}

Shares::Place::Place() = default;
Shares::Place::Place(std::unique_ptr<Held> held) : held_(std::move(held)) {}
Shares::Place::Place(Place&& other) noexcept = default;
Shares::Place& Shares::Place::operator=(Place&& other) noexcept = default;
Shares::Place::~Place() = default;

Shares::Held::Held(Shares& of_shares, Group& of, Event& by) : shares(of_shares), group(of), wanted(by) {
  join(group.held);
  ++group.having;
  ++shares.taken_;
}

Shares::Held::~Held() {
  leave();
  --(called_back ? group.called_back : group.having);
  --shares.taken_;
  Shares& all = shares;
  all.forget_if_idle(group);
  all.given_back();
}

Shares::Wait::~Wait() {
  if (group_ == nullptr) return;
  leave();
  if (promised_) --group_->promised;
  shares_.forget_if_idle(*group_);
}

bool Shares::Wait::await_ready() {
  if (shares_.taken_ >= shares_.places_) return false;
  place_ = shares_.give(shares_.group_of(name_), wanted_);
  return true;
}

void Shares::Wait::await_suspend(std::coroutine_handle<> awaiting) {
  coroutine = awaiting;
  group_ = &shares_.group_of(name_);
  join(group_->waiting);
  shares_.call_back_for(*this);
}

bool Shares::has_room(const Prefix& group) {
  if (taken_ < places_) return true;
  const auto known = groups_.find(group);
  const std::size_t share = known == groups_.end() ? 0 : known->second.share();
  const Group* const most = largest();
  return most != nullptr && most->having > share + 1;
}

Shares::Group& Shares::group_of(const Prefix& name) {
  Group& group = groups_[name];
  group.name = name;
  return group;
}

Shares::Group* Shares::largest() {
  Group* most = nullptr;
  for (auto& [name, group] : groups_) {
    if (most == nullptr || group.having > most->having) most = &group;
  }
  return most;
}

void Shares::forget_if_idle(Group& group) {
  if (!group.idle()) return;
  const Prefix name = group.name;
  groups_.erase(name);
}

Shares::Place Shares::give(Group& group, Event& wanted) {
  group.served = ++given_;
  return Place(std::make_unique<Held>(*this, group, wanted));
}

// Taking one from a group that has only one more would turn the two about.
void Shares::call_back_for(Wait& wait) {
  Group* const most = largest();
  if (most == nullptr || most->having <= wait.group_->share() + 1) return;
  auto& oldest = static_cast<Held&>(most->held.first());
  oldest.leave();
  oldest.called_back = true;
  --most->having;
  ++most->called_back;
  wait.promised_ = true;
  ++wait.group_->promised;
  oldest.wanted.set();
}

// To the group that has fewest of those that wait; among equals, to the one that got its last one first.
void Shares::given_back() {
  if (taken_ >= places_) return;
  Group* next = nullptr;
  for (auto& [name, group] : groups_) {
    if (group.waiting.alone()) continue;
    if (next == nullptr || std::pair(group.having, group.served) < std::pair(next->having, next->served)) next = &group;
  }
  if (next == nullptr) return;
  auto& wait = static_cast<Wait&>(static_cast<Waiter&>(next->waiting.first()));
  wait.leave();
  if (std::exchange(wait.promised_, false)) --next->promised;
  wait.group_ = nullptr;
  wait.place_ = give(*next, wait.wanted_);  // at once, so that nobody comes in between
  loop_.wake(wait);
}

}  // namespace swage::async
