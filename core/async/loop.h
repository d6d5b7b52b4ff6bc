// The event loop of a process, the coroutines that it owns, and what calls a function when something happens: Timer,
// Poll, Signal and FolderWatch. A thin owner of libuv's; all of core/async belongs to the one thread that calls run().
//
// All that is made on a Loop is destroyed before it, spawned coroutines and what they hold excepted: the Loop destroys
// those itself. Callbacks may destroy the object that called them. Nothing may throw through them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/async/task.h"
#include "core/async/waiter.h"
#include "core/result.h"

struct uv_loop_s;

namespace swage::async {

class Loop {
 public:
  Loop();  // also has the process ignore SIGPIPE: writing to a closed connection is an Error, not the end
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop() is called or nothing is left that could happen: no timer, Poll, Signal or stream that was read
  // and is open, no work. May be called again.
  void run();
  // Makes run() return, after the callback or coroutine that called this.
  void stop();

  // Starts `task` now, and owns it until it is finished. It must own what it uses, or outlive it: values for
  // parameters, no references to the caller's locals. An Error is logged, as nobody else can handle it.
  void spawn(Task<> task);
  void spawn(Task<Result<>> task);
  // Spawned tasks that are not finished.
  [[nodiscard]] std::size_t alive() const { return alive_; }

  // Steady time in nanoseconds, now (not when this turn of the loop began).
  [[nodiscard]] std::int64_t now() const;

  // For core/async alone. wake() resumes a suspended coroutine from the loop, not from its caller.
  void wake(Waiter& waiter);
  [[nodiscard]] uv_loop_s* uv();

 private:
  struct State;
  struct Spawned;
  static Spawned own(Loop& loop, Task<> task);
  static Spawned own(Loop& loop, Task<Result<>> task);
  void resume_ready();

  std::unique_ptr<State> state_;
  Link ready_;    // Waiters to be resumed in the next turn
  Link spawned_;  // promises of spawned coroutines
  std::size_t alive_ = 0;
};

namespace detail {
struct Handle;  // a libuv handle and the function to call
struct CloseHandle {
  void operator()(Handle* handle) const;
};
using HandleOwner = std::unique_ptr<Handle, CloseHandle>;
}  // namespace detail

// Calls a function once when a time has passed: Timer deadline(loop, [&] { stream.close(); }); deadline.start(10s);
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> passed);
  // From now on; an earlier start() is forgotten. May fire up to 1 ms early.
  void start(std::chrono::milliseconds time);
  void stop();

 private:
  detail::HandleOwner handle_;
};

// Calls a function whenever a descriptor is readable, has an error or is closed by the other side, again and again
// until it was read or stop() is called. Does not own the descriptor, which must stay open until stop() or destruction.
class Poll {
 public:
  // Watches at once. REQUIRES: `fd` can be polled (not a plain file), and nothing else on this loop watches it. Makes
  // it non-blocking.
  Poll(Loop& loop, int fd, std::function<void()> readable);
  void start();
  void stop();

 private:
  detail::HandleOwner handle_;
};

// Calls a function after the process got a signal.
class Signal {
 public:
  Signal(Loop& loop, int number, std::function<void()> received);

 private:
  detail::HandleOwner handle_;
};

// Calls a function when something in a folder was made, written, renamed or removed: what it was, the caller finds out.
// Many changes at a time may be one call or several; changes on network file systems may be no call at all.
class FolderWatch {
 public:
  FolderWatch(Loop& loop, std::string folder, std::function<void()> changed);
  // From now on. Called again it looks for the folder again: another one may have its name by now. False if there is
  // none or it cannot be watched.
  bool start();

 private:
  std::string folder_;
  detail::HandleOwner handle_;
};

}  // namespace swage::async
