// work(): runs a blocking function on libuv's pool of threads while the loop goes on.
//
//     const auto read = [&path] { return read_file(path); };
//     CO_TRY(const std::string text, co_await work(loop, read));
#pragma once

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/async/loop.h"
#include "core/async/task.h"

namespace swage::async {

// Calls `function` on another thread; goes on when it has returned. Destroying the task takes the function off the
// queue or, where it runs already, blocks until it has returned: it may use references to the awaiting coroutine's
// locals.
[[nodiscard]] Task<> run_on_thread(Loop& loop, std::function<void()> function);

// The same for a function that returns a value (a Result, mostly), which is handed back. REQUIRES: it does not throw.
template <typename Function>
[[nodiscard]] Task<std::invoke_result_t<Function&>> work(Loop& loop, Function function) {
  std::optional<std::invoke_result_t<Function&>> result;
  const auto call = [&result, &function] { result.emplace(function()); };
  co_await run_on_thread(loop, call);
  co_return *std::move(result);
}

}  // namespace swage::async
