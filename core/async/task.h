// Task<T>: a coroutine that gives a T once. Lazy, move-only, for one thread; CO_TRY hands on an Error inside of one.
//
//     Task<Result<std::size_t>> copy(Stream& from, Stream& to, MutableBytes buffer) {
//       CO_TRY(const std::size_t size, co_await from.read(buffer));
//       CO_TRY(co_await to.write(buffer.first(size)));
//       co_return size;
//     }
//
// A Task runs when it is awaited, or given to Loop::spawn(), as a plain call does: up to its first wait, on the
// caller's stack. One that never waits gives its value at once and nothing is suspended; so a loop may await any number
// of them, optimised or not. The stack holds one frame for each task that awaits another, on the way in and (where the
// compiler makes no tail calls: -O0, sanitizers) on the way out: a recursion of tasks is as deep as one of functions.
//
// Destroying a Task that has begun destroys what it holds, in order, and takes it off whatever it waits for.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/result.h"

namespace swage::async {

class Loop;

template <typename T = void>
class Task;

namespace detail {

struct PromiseBase {
  struct Final {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <typename Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      return self.promise().awaiting;
    }
    void await_resume() const noexcept {}
  };

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] Final final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }  // our code does not throw

  std::coroutine_handle<> awaiting = std::noop_coroutine();  // goes on when this is finished
};

template <typename T>
struct Promise : PromiseBase {
  [[nodiscard]] Task<T> get_return_object();
  template <typename Value = T>
    requires std::is_constructible_v<T, Value&&>
  void return_value(Value&& result) {
    value.emplace(std::forward<Value>(result));
  }
  [[nodiscard]] T take() { return *std::move(value); }

  std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
  [[nodiscard]] Task<void> get_return_object();
  void return_void() const {}
  void take() const {}
};

}  // namespace detail

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  explicit Task(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}
  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  struct Awaiter {
    std::coroutine_handle<promise_type> coroutine;

    [[nodiscard]] bool await_ready() const {
      CHECK(coroutine && !coroutine.done());
      coroutine.resume();
      return coroutine.done();
    }
    void await_suspend(std::coroutine_handle<> awaiting) const { coroutine.promise().awaiting = awaiting; }
    T await_resume() const { return coroutine.promise().take(); }
  };

  // REQUIRES: awaited once.
  [[nodiscard]] Awaiter operator co_await() && { return Awaiter(coroutine_); }

 private:
  std::coroutine_handle<promise_type> coroutine_;
};

template <typename T>
Task<T> detail::Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<void> detail::Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace swage::async

#define SWAGE_CO_TRY_1(expression)                                      \
  if (auto SWAGE_TRY_NAME = (expression); !SWAGE_TRY_NAME) [[unlikely]] \
  co_return std::unexpected(std::move(SWAGE_TRY_NAME).error())
#define SWAGE_CO_TRY_2(declaration, expression)                   \
  auto SWAGE_TRY_NAME = (expression);                             \
  if (!SWAGE_TRY_NAME) [[unlikely]]                               \
    co_return std::unexpected(std::move(SWAGE_TRY_NAME).error()); \
  declaration = *std::move(SWAGE_TRY_NAME)

// TRY for coroutines; a statement, never an expression.
// CO_TRY(co_await f());                    co_return its Error, if it has one
// CO_TRY(declaration, co_await f());       the same, else declare and initialise
#define CO_TRY(...) SWAGE_TRY_PICK(__VA_ARGS__, SWAGE_CO_TRY_2, SWAGE_CO_TRY_1)(__VA_ARGS__)
