#include "core/async/work.h"

#include <uv.h>

#include <atomic>

namespace swage::async {

namespace {

class Running;

// A function on the pool; deleted by libuv's last callback.
struct Job {
  std::function<void()> function;
  Running* awaiter;  // nullptr when its coroutine was destroyed
  uv_work_t uv{};
  std::atomic<bool> returned = false;  // set by the pool's thread
};

class Running {
 public:
  Running(Loop& loop, std::function<void()> function) : loop_(loop), job_(new Job{std::move(function), this}) {
    job_->uv.data = job_;
  }
  ~Running() {
    if (job_ == nullptr) return;
    job_->awaiter = nullptr;
    if (uv_cancel(reinterpret_cast<uv_req_t*>(&job_->uv)) != 0) job_->returned.wait(false);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    coroutine_ = awaiting;
    CHECK(uv_queue_work(loop_.uv(), &job_->uv, run, finish) == 0);
  }
  void await_resume() const {}

 private:
  static void run(uv_work_t* uv) {
    auto* job = static_cast<Job*>(uv->data);
    job->function();
    job->returned = true;
    job->returned.notify_one();
  }
  static void finish(uv_work_t* uv, int) {
    const std::unique_ptr<Job> job(static_cast<Job*>(uv->data));
    if (job->awaiter == nullptr) return;
    job->awaiter->job_ = nullptr;
    job->awaiter->coroutine_.resume();
  }

  Loop& loop_;
  Job* job_;  // nullptr when it is finished
  std::coroutine_handle<> coroutine_;
};

}  // namespace

Task<> run_on_thread(Loop& loop, std::function<void()> function) {
  Running running(loop, std::move(function));
  co_await running;
}

}  // namespace swage::async
