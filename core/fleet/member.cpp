#include "core/fleet/member.h"

#include <algorithm>

namespace swage::fleet {

Member::Next Member::next(Time now) const {
  if (written_ == 0) return {Step::write};
  if (!has_come_back()) {
    const Time late = std::max(sent_, watching_since_) + times_.patience;
    return now < late ? Next{Step::wait, late} : Next{Step::watch_again};
  }
  const Time renewal = renewed_ + times_.renewal;
  if (now >= renewal) return {sent_ >= renewal ? Step::renew : Step::write};
  if (value_ <= said_) return {Step::wait, renewal};
  const Time report = sent_ + times_.report;
  return now < report ? Next{Step::wait, std::min(report, renewal)} : Next{Step::write};
}

void Member::writing(Time now) {
  sent_ = now;
  said_ = seen_;
  written_ = 0;
}

void Member::wrote(Revision at) {
  written_ = at;
  joined_ = joined_ || has_come_back();
}

void Member::own_came(Revision at) {
  own_ = at;
  joined_ = joined_ || has_come_back();
}

}  // namespace swage::fleet
