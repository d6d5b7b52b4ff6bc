// Member: a nameserver's side of the protocol (docs/decisions/fleet.md, 1 to 5): when it says what it has seen, when it
// may renew its lease, and until when its dns processes may answer. Neither I/O nor a clock: it is told what happens,
// and says what is to be done. Times are of one clock of this machine, which goes on while it sleeps.
//
//     Member member(times, read);                  // all up to `read` is in the table
//     member.granted(when the lease was asked for);
//     one after the other, as member.next(now) says:
//         write         member.writing(now); node/ID = member.to_say(); member.wrote(its revision)
//         renew         the lease, which began at `now`; member.renewed(now)
//         watch_again   from member.seen() on; member.watching(now)
//         wait          until next(now).at, or until something was told
//     meanwhile, of what the watch brings, in order: member.own_came(), value_came(); then passed()
//
// What fails is done again, since next() still says so.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/fleet/engine.h"

namespace swage::fleet {

using Time = std::chrono::milliseconds;

// Others wait for a member until `lease` after its last renewal; it has fenced itself `fence` after it.
struct MemberTimes {
  std::chrono::seconds lease{10};
  Time fence{6'000};
  Time renewal{2'000};   // between two
  Time report{20};       // between two, at least
  Time patience{1'500};  // until the watch has brought back what was written
};

class Member {
 public:
  enum class Step : std::uint8_t { wait, write, renew, watch_again };
  struct Next {
    Step step;
    Time at{};  // of `wait`
  };

  Member(MemberTimes times, Revision read) : times_(times), seen_(read) {}

  // A lease, which was asked for at `sent`. Once.
  void granted(Time sent) { renewed_ = sent; }

  // REQUIRES: granted().
  [[nodiscard]] Next next(Time now) const;
  // What its entry is to say.
  [[nodiscard]] Revision to_say() const { return seen_; }
  void writing(Time now);
  void wrote(Revision at);
  // The engine has confirmed the renewal that was sent at `sent`.
  void renewed(Time sent) { renewed_ = sent; }
  // A watch has begun, from seen() on.
  void watching(Time now) { watching_since_ = now; }

  // What the watch has brought: its own entry, as of `at`; a value; everything up to `seen`, which the table has.
  void own_came(Revision at);
  void value_came(Revision at) { value_ = at; }
  void passed(Revision seen) { seen_ = seen; }
  [[nodiscard]] Revision seen() const { return seen_; }

  // Its entry has come back: whatever was written before is in the table.
  [[nodiscard]] bool joined() const { return joined_; }
  // Dns processes may answer until then; 0 as long as it has not joined.
  [[nodiscard]] Time valid_until() const { return joined_ ? renewed_ + times_.fence : Time(0); }

 private:
  [[nodiscard]] bool has_come_back() const { return written_ != 0 && own_ >= written_; }

  MemberTimes times_;
  Revision seen_;         // the table has all up to it
  Revision value_ = 0;    // of the last value that came
  Revision said_ = 0;     // what its entry says
  Revision written_ = 0;  // of its entry as it was written last; 0: not known
  Revision own_ = 0;      // of its entry as it came last
  Time sent_{};           // the entry
  Time renewed_{};        // when the last confirmed renewal was sent
  Time watching_since_{};
  bool joined_ = false;
};

}  // namespace swage::fleet
