#include "plugins/transfer/outbox.h"

#include <algorithm>
#include <array>

namespace swage::plugins::transfer {
namespace {

using namespace std::chrono_literals;

constexpr std::array<Outbox::Time, Outbox::kTries - 1> kPauses = {5s, 10s, 20s, 40s, 60s};

}  // namespace

void Outbox::wait(const Letter& letter, State& state, Time due) {
  state.due = due;
  state.under_way = false;
  due_.emplace(due, letter);
}

bool Outbox::put(const Letter& letter, Time due) {
  const auto found = letters_.find(letter);
  if (found == letters_.end()) {
    if (letters_.size() >= kMost) return false;
    wait(letter, letters_[letter], due);
    return true;
  }
  State& state = found->second;
  if (state.under_way) {
    state.again = true;
    return true;
  }
  due_.erase({state.due, letter});
  state.tries = 0;
  wait(letter, state, due);
  return true;
}

std::vector<Outbox::Letter> Outbox::take(std::size_t most, Time now) {
  std::vector<Letter> taken;
  while (taken.size() < most && !due_.empty() && due_.begin()->first <= now) {
    taken.push_back(due_.begin()->second);
    due_.erase(due_.begin());
    State& state = letters_[taken.back()];
    state.under_way = true;
    ++state.tries;
  }
  return taken;
}

bool Outbox::settle(const Letter& letter, bool answered, Time now) {
  const auto found = letters_.find(letter);
  if (found == letters_.end() || !found->second.under_way) return true;  // forgotten meanwhile, or put anew since
  State& state = found->second;
  if (state.again) {
    state = {};
    wait(letter, state, now);
    return true;
  }
  if (!answered && state.tries < kTries) {
    wait(letter, state, now + kPauses[state.tries - 1]);
    return true;
  }
  letters_.erase(found);
  return answered;
}

void Outbox::forget(const std::string& apex) {
  const auto first = letters_.lower_bound(Letter{apex, {}});
  auto last = first;
  for (; last != letters_.end() && last->first.apex == apex; ++last) due_.erase({last->second.due, last->first});
  letters_.erase(first, last);
}

}  // namespace swage::plugins::transfer
