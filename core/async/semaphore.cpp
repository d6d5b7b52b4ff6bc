#include "core/async/semaphore.h"

namespace swage::async {

Semaphore::~Semaphore() {
  while (!waiting_.alone()) waiting_.first().leave();
}

Semaphore::Permit Semaphore::try_acquire() {
  if (free_ == 0) return {};
  --free_;
  ++taken_;
  return Permit(this);
}

void Semaphore::give_back() {
  --taken_;
  ++free_;
  if (waiting_.alone()) return;
  auto& next = static_cast<Wait&>(static_cast<Waiter&>(waiting_.first()));
  next.permit_ = try_acquire();  // at once, so that nobody comes in between; destroyed with it, should that be now
  loop_.wake(next);
}

bool Semaphore::Wait::await_ready() {
  permit_ = semaphore_.try_acquire();
  return static_cast<bool>(permit_);
}

void Semaphore::Wait::await_suspend(std::coroutine_handle<> awaiting) {
  coroutine = awaiting;
  join(semaphore_.waiting_);
}

}  // namespace swage::async
