#include "core/async/tasks.h"

namespace swage::async {

// The outermost coroutine around a task; as Loop::Spawned.
struct Tasks::Owned {
  struct promise_type : Link {
    promise_type(Tasks& of, const Task<>&) : tasks(of) {
      join(tasks.running_);
      ++tasks.size_;
    }
    ~promise_type() { --tasks.size_; }
    [[nodiscard]] Owned get_return_object() const { return {}; }
    [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

    Tasks& tasks;
  };
};

Tasks::~Tasks() {
  while (!running_.alone()) {
    auto& promise = static_cast<Owned::promise_type&>(running_.last());
    std::coroutine_handle<Owned::promise_type>::from_promise(promise).destroy();
  }
}

void Tasks::start(Task<> task) { own(*this, std::move(task)); }

Tasks::Owned Tasks::own(Tasks&, Task<> task) { co_await std::move(task); }

}  // namespace swage::async
