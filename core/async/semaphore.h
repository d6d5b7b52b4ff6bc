// Semaphore: a number of permits that coroutines take turns with; first come, first served.
#pragma once

#include <coroutine>
#include <cstddef>
#include <utility>

#include "core/async/loop.h"
#include "core/async/waiter.h"

namespace swage::async {

// REQUIRES: outlives its permits. Coroutines that wait when it is destroyed are never resumed.
class Semaphore {
 public:
  Semaphore(Loop& loop, std::size_t permits) : loop_(loop), free_(permits) {}
  ~Semaphore();
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  // Gives its permit back when it is destroyed.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(of_, other.of_);
      return *this;
    }
    ~Permit() {
      if (of_ != nullptr) of_->give_back();
    }
    explicit operator bool() const { return of_ != nullptr; }

   private:
    friend Semaphore;
    explicit Permit(Semaphore* of) : of_(of) {}
    Semaphore* of_ = nullptr;
  };

  // Awaiter of a Permit.
  class Wait : private Waiter {
   public:
    explicit Wait(Semaphore& semaphore) : semaphore_(semaphore) {}
    [[nodiscard]] bool await_ready();
    void await_suspend(std::coroutine_handle<> awaiting);
    Permit await_resume() { return std::move(permit_); }

   private:
    friend Semaphore;
    Semaphore& semaphore_;
    Permit permit_;
  };

  // co_await semaphore.acquire(): Permit
  [[nodiscard]] Wait acquire() { return Wait(*this); }
  // Empty if no permit is free or others wait.
  [[nodiscard]] Permit try_acquire();

  [[nodiscard]] std::size_t taken() const { return taken_; }

 private:
  void give_back();

  Loop& loop_;
  std::size_t free_;
  std::size_t taken_ = 0;
  Link waiting_;
};

}  // namespace swage::async
