#include "core/async/event.h"

namespace swage::async {

Event::~Event() {
  while (!waiting_.alone()) waiting_.first().leave();
}

void Event::set() {
  set_ = true;
  while (!waiting_.alone()) {
    auto& wait = static_cast<Wait&>(waiting_.first());
    wait.woken_ = true;
    loop_.wake(wait);
  }
}

void Event::Wait::await_suspend(std::coroutine_handle<> awaiting) {
  coroutine = awaiting;
  join(event_.waiting_);
}

void Event::Wait::give_up() {
  if (!alone() && !woken_) event_.loop_.wake(*this);
}

Task<bool> wait_for(Event& event, std::chrono::milliseconds time) {
  Event::Wait wait(event);
  Timer timer(event.loop(), [&wait] { wait.give_up(); });
  timer.start(time);
  co_return co_await wait;
}

Task<> sleep(Loop& loop, std::chrono::milliseconds time) {
  Event never(loop);
  co_await wait_for(never, time);
}

}  // namespace swage::async
