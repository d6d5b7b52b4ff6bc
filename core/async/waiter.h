// Link and Waiter: how a suspended coroutine is found by what it waits for. Internal to core/async.
#pragma once

#include <coroutine>

namespace swage::async {

// A member of a ring of links, which leaves it when destroyed; alone at first. A list is a Link that is only its head.
class Link {
 public:
  Link() = default;
  ~Link() { leave(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  [[nodiscard]] bool alone() const { return next_ == this; }
  // Of the list of this head. REQUIRES: not alone.
  [[nodiscard]] Link& first() const { return *next_; }
  [[nodiscard]] Link& last() const { return *previous_; }
  // Leaves its ring, if any, and becomes the last of the list of `head`.
  void join(Link& head) {
    leave();
    previous_ = head.previous_;
    next_ = &head;
    previous_->next_ = next_->previous_ = this;
  }
  void leave() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 private:
  Link* previous_ = this;
  Link* next_ = this;
};

// A coroutine that is suspended; base of awaiters.
struct Waiter : Link {
  std::coroutine_handle<> coroutine;
};

}  // namespace swage::async
