// Acknowledgements: a broker's side of the protocol (docs/decisions/fleet.md, 7 to 9): who the members are, as far as
// its own watch has come, and what all of them have seen. Neither I/O nor a clock.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/fleet/engine.h"

namespace swage::fleet {

class Acknowledgements {
 public:
  // What the broker has read, or its watch has brought, in order: a member's entry, or its end; everything up to
  // `seen`.
  // True where the member is new, or was one.
  bool member_says(const std::string& id, Revision has_seen);
  bool member_left(const std::string& id);
  void passed(Revision seen) { passed_ = seen; }

  // What was written at this revision, or before, is with every member; and who joins later reads it, or sees it before
  // it answers.
  [[nodiscard]] Revision acknowledged() const;

  [[nodiscard]] std::size_t members() const { return members_.size(); }
  // Those that have not said that they have seen `revision`.
  [[nodiscard]] std::vector<std::string> without(Revision revision) const;

 private:
  std::map<std::string, Revision> members_;  // what each has seen
  std::multiset<Revision> seen_;             // the same, in order
  Revision passed_ = 0;
};

}  // namespace swage::fleet
