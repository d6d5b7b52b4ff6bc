#include "tests/fleet/simulation/member.h"

#include <algorithm>
#include <utility>

namespace swage::simulation {

using Step = fleet::Member::Step;

Member::Member(Agenda& agenda, fleet::MemberTimes times, Engine& engine, std::size_t number, Time delay,
               std::function<void(Revision)> seen)
    : agenda_(agenda), times_(times), engine_(engine), number_(number), delay_(delay), seen_(std::move(seen)) {}

void Member::later(Time delay, std::function<void()> what) {
  agenda_.after(delay, [this, life = life_, what = std::move(what)] {
    if (life == life_) what();
  });
}

void Member::join(Time reading) {
  ++life_;
  connected_ = true;
  asking_ = false;
  member_.reset();
  written_ = 0;
  read_ = Engine::kNever;
  later(2 * delay_ + reading, [this] {
    read_ = engine_.head();
    watch_ = engine_.watch(read_, false, delay_, [this](Revision upto) {
      if (member_ && written_ != 0 && upto >= written_) member_->own_came(written_);
      seen_(upto);
      step();
    });
    seen_(read_);
  });
}

void Member::cut() {
  connected_ = false;
  member_.reset();
  ++life_;
  engine_.end_watch(watch_);
}

void Member::acknowledge(Revision upto) {
  if (member_) {
    member_->value_came(upto);
    member_->passed(upto);
  } else if (connected_ && upto >= read_) {
    member_.emplace(times_, upto);
    member_->granted(now());
    prolong_lease();
  }
  step();
}

void Member::step() {
  if (!member_ || asking_) return;
  valid_until_ = std::max(valid_until_, member_->valid_until());
  const fleet::Member::Next next = member_->next(now());
  switch (next.step) {
    case Step::write:
      return write();
    case Step::renew:
      return renew();
    case Step::watch_again:  // it is slow, not broken
      member_->watching(now());
      return wait(now() + times_.patience);
    case Step::wait:
      return wait(next.at);
  }
}

void Member::wait(fleet::Time until) {
  const std::uint64_t plan = ++plan_;
  later(std::max<Time>(0, until.count() * kMillisecond - agenda_.now()), [this, plan] {
    if (plan == plan_) step();
  });
}

void Member::write() {
  asking_ = true;
  member_->writing(now());
  later(delay_, [this, said = static_cast<Revision>(member_->to_say())] {
    engine_.put_seen(number_, said, [this, life = life_](Revision revision) {
      if (life != life_) return;
      written_ = revision;
      later(delay_, [this, revision] {
        member_->wrote(revision);
        done();
      });
    });
  });
}

void Member::renew() {
  asking_ = true;
  later(delay_, [this, sent = now()] {
    prolong_lease();
    later(delay_, [this, sent] {
      member_->renewed(sent);
      done();
    });
  });
}

void Member::done() {
  asking_ = false;
  step();
}

void Member::prolong_lease() {
  const Time lease = std::chrono::duration_cast<std::chrono::microseconds>(times_.lease).count();
  lease_end_ = agenda_.now() + lease;
  agenda_.after(lease, [this] {
    if (agenda_.now() >= lease_end_) engine_.put_left(number_);
  });
}

}  // namespace swage::simulation
