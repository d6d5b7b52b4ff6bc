#include "core/async/loop.h"

#include <uv.h>

#include <csignal>

#include "core/log.h"

namespace swage::async {

struct Loop::State {
  uv_loop_t loop;
  uv_idle_t idle;  // active while there are ready Waiters: then a turn does not wait for events
};

// The outermost coroutine around a spawned task. Begins at once, destroys itself at its end.
struct Loop::Spawned {
  struct promise_type : Link {
    template <typename AnyTask>
    promise_type(Loop& owner, const AnyTask&) : loop(owner) {
      join(loop.spawned_);
      ++loop.alive_;
    }
    ~promise_type() { --loop.alive_; }
    [[nodiscard]] Spawned get_return_object() const { return {}; }
    [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

    Loop& loop;
  };
};

Loop::Loop() : state_(std::make_unique<State>()) {
  std::signal(SIGPIPE, SIG_IGN);
  CHECK(uv_loop_init(&state_->loop) == 0);
  CHECK(uv_idle_init(&state_->loop, &state_->idle) == 0);
  state_->idle.data = this;
}

Loop::~Loop() {
  // The newest first, as C++ does; so what work() has queued is taken off the queue before what runs is waited for.
  while (!spawned_.alone()) {
    auto& promise = static_cast<Spawned::promise_type&>(spawned_.last());
    std::coroutine_handle<Spawned::promise_type>::from_promise(promise).destroy();
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->idle), nullptr);
  const auto check_closing = [](uv_handle_t* handle, void*) { CHECK(uv_is_closing(handle)); };
  uv_walk(&state_->loop, check_closing, nullptr);
  while (uv_loop_close(&state_->loop) == UV_EBUSY) uv_run(&state_->loop, UV_RUN_DEFAULT);
}

void Loop::run() { uv_run(&state_->loop, UV_RUN_DEFAULT); }

void Loop::stop() { uv_stop(&state_->loop); }

void Loop::spawn(Task<> task) { own(*this, std::move(task)); }

void Loop::spawn(Task<Result<>> task) { own(*this, std::move(task)); }

Loop::Spawned Loop::own(Loop&, Task<> task) { co_await std::move(task); }

Loop::Spawned Loop::own(Loop&, Task<Result<>> task) {
  const Result<> result = co_await std::move(task);
  if (!result) log::error("{}", result.error().text());
}

std::int64_t Loop::now() const { return static_cast<std::int64_t>(uv_hrtime()); }

void Loop::wake(Waiter& waiter) {
  waiter.join(ready_);
  const auto turn = [](uv_idle_t* idle) { static_cast<Loop*>(idle->data)->resume_ready(); };
  CHECK(uv_idle_start(&state_->idle, turn) == 0);
}

void Loop::resume_ready() {
  // Those who are woken meanwhile have their turn after the loop has looked for events: none can starve it.
  Link batch;
  batch.join(ready_);
  ready_.leave();
  while (!batch.alone()) {
    auto& waiter = static_cast<Waiter&>(batch.first());
    waiter.leave();
    waiter.coroutine.resume();
  }
  if (ready_.alone()) uv_idle_stop(&state_->idle);
}

uv_loop_s* Loop::uv() { return &state_->loop; }

}  // namespace swage::async
