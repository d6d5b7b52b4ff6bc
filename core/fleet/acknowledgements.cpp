#include "core/fleet/acknowledgements.h"

#include <algorithm>

namespace swage::fleet {

bool Acknowledgements::member_says(const std::string& id, Revision has_seen) {
  const auto [member, is_new] = members_.try_emplace(id, has_seen);
  if (!is_new) seen_.extract(member->second);
  member->second = has_seen;
  seen_.insert(has_seen);
  return is_new;
}

bool Acknowledgements::member_left(const std::string& id) {
  const auto member = members_.find(id);
  if (member == members_.end()) return false;
  seen_.extract(member->second);
  members_.erase(member);
  return true;
}

Revision Acknowledgements::acknowledged() const { return seen_.empty() ? passed_ : std::min(passed_, *seen_.begin()); }

std::vector<std::string> Acknowledgements::without(Revision revision) const {
  std::vector<std::string> ids;
  for (const auto& [id, seen] : members_) {
    if (seen < revision) ids.push_back(id);
  }
  return ids;
}

}  // namespace swage::fleet
