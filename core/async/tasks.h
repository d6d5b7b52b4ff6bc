// Tasks: coroutines that belong to an object or to another coroutine, and end with it. within(): a time for a task;
// until(): an event that ends it.
//
//     Tasks dials;                                   // a local of a coroutine: what it started ends when it does
//     for (…) dials.start(dial(…));
//     co_await won.wait();
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

#include "core/async/event.h"
#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/async/waiter.h"

namespace swage::async {

// Destroying it destroys the tasks that are not finished, the newest first. REQUIRES: not from within one of them, nor
// from what one of them calls.
class Tasks {
 public:
  Tasks() = default;
  ~Tasks();
  Tasks(const Tasks&) = delete;
  Tasks& operator=(const Tasks&) = delete;

  // Starts `task` now, on the caller's stack up to its first wait, and owns it until it is finished. As with
  // Loop::spawn(), what it uses must live as long.
  void start(Task<> task);

  // Tasks that are not finished.
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Owned;
  static Owned own(Tasks& tasks, Task<> task);

  Link running_;  // promises
  std::size_t size_ = 0;
};

namespace detail {
template <typename T>
Task<> keep(Task<T> task, std::optional<T>& result, Event& done) {
  result.emplace(co_await std::move(task));
  done.set();
}
}  // namespace detail

// What `task` gives; nullopt where `time` has passed before: then it was destroyed in the middle of what it did. What
// it uses by reference must live as long as the task returned here.
template <typename T>
[[nodiscard]] Task<std::optional<T>> within(Loop& loop, std::chrono::milliseconds time, Task<T> task) {
  std::optional<T> result;
  Event done(loop);
  {
    Tasks tasks;
    tasks.start(detail::keep(std::move(task), result, done));
    co_await wait_for(done, time);
  }
  co_return std::move(result);
}

// As within(), with an event instead of a time.
template <typename T>
[[nodiscard]] Task<std::optional<T>> until(Event& event, Task<T> task) {
  std::optional<T> result;
  Event done(event.loop());
  {
    Tasks tasks;
    tasks.start(detail::keep(std::move(task), result, done));
    co_await any_of(event, done);
  }
  co_return std::move(result);
}

}  // namespace swage::async
