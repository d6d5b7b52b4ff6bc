#include "tests/fleet/simulation/engine.h"

#include <utility>

namespace swage::simulation {

Engine::Engine(Agenda& agenda, EngineCosts costs) : agenda_(agenda), costs_(costs), members_(costs.members) {}

void Engine::put_value(Committed committed) { submit({.value = true, .committed = std::move(committed)}); }

void Engine::put_seen(std::size_t participant, Revision seen, Committed committed) {
  submit({.participant = participant, .seen = seen, .committed = std::move(committed)});
}

void Engine::put_left(std::size_t participant) {
  submit({.left = true, .participant = participant, .committed = [](Revision) {}});
}

void Engine::submit(Write write) {
  waiting_.push_back(std::move(write));
  if (committing_.empty()) commit_group();
}

// As many as fit between two commits to disk; etcd's proposals are bounded, too.
void Engine::commit_group() {
  constexpr std::size_t kMost = 1000;
  if (waiting_.size() <= kMost) {
    committing_ = std::exchange(waiting_, {});
  } else {
    const auto end = waiting_.begin() + kMost;
    committing_.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
  }
  const double work = costs_.write * static_cast<double>(committing_.size());
  counts_.committing += work;
  agenda_.after(costs_.commit + static_cast<Time>(work / costs_.cores), [this] {
    for (const Write& write : std::exchange(committing_, {})) {
      append(write);
      write.committed(head());
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (!members_[i].busy) send(i);
    }
    if (!waiting_.empty() && committing_.empty()) commit_group();
  });
}

void Engine::append(const Write& write) {
  ++(write.value ? counts_.values : counts_.acknowledgements);
  values_.push_back(values_.back() + (write.value ? 1 : 0));
  if (write.left) {
    acknowledgements_.member_left(std::to_string(write.participant));
  } else if (!write.value) {
    acknowledgements_.member_says(std::to_string(write.participant), write.seen);
  }
  acknowledgements_.passed(head());
  acknowledged_.push_back(acknowledgements_.acknowledged());
}

std::size_t Engine::watch(Revision from, bool values_only, Time delay, Delivered delivered) {
  const std::size_t number = watches_.size();
  watches_.push_back({.position = from, .values_only = values_only, .delay = delay, .delivered = std::move(delivered)});
  Member& member = members_[number % members_.size()];
  member.watches.push_back(number);
  if (!member.busy) send(number % members_.size());
  return number;
}

void Engine::end_watch(std::size_t number) {
  watches_[number].open = false;
  std::erase(members_[number % members_.size()].watches, number);
}

std::uint32_t Engine::events_for(const Watch& watch) const {
  return watch.values_only ? values(head()) - values(watch.position)
                           : static_cast<std::uint32_t>(head() - watch.position);
}

// Serves the next watch for which there is something new; the watches take turns.
void Engine::send(std::size_t index) {
  Member& member = members_[index];
  member.busy = false;
  for (std::size_t tries = 0; tries < member.watches.size(); ++tries) {
    const std::size_t number = member.watches[member.next++ % member.watches.size()];
    Watch& watch = watches_[number];
    const std::uint32_t events = events_for(watch);
    const Revision upto = head();
    watch.position = upto;
    if (events == 0) continue;
    const double work = costs_.message + costs_.event * events;
    counts_.sending += work;
    ++counts_.messages;
    counts_.events += events;
    member.busy = true;
    agenda_.after(static_cast<Time>(work / costs_.cores), [this, index, number, upto] {
      agenda_.after(watches_[number].delay, [this, number, upto] {
        if (watches_[number].open) watches_[number].delivered(upto);
      });
      send(index);
    });
    return;
  }
}

}  // namespace swage::simulation
