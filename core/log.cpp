#include "core/log.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>

namespace swage::log {
namespace {

constexpr std::size_t kMostWaiting = 1 << 20;  // bytes
constexpr std::size_t kMostLine = 16 << 10;    // bytes; what is longer is cut

class Writer {
 public:
  void add(std::string_view line) {
    line = line.substr(0, kMostLine);
    const std::lock_guard lock(mutex_);
    if (!running_ && !start()) return write_all(std::string(line) + '\n');
    if (waiting_.size() + line.size() > kMostWaiting) {
      ++dropped_;
      return;
    }
    waiting_.append(line);
    waiting_.push_back('\n');
    changed_.notify_all();
  }

  void flush() {
    std::unique_lock lock(mutex_);
    written_.wait_for(lock, std::chrono::seconds(1), [this] { return waiting_.empty() && !writing_; });
  }

 private:
  // False where the system gives no more threads.
  bool start() {
    try {
      std::thread([this] { run(); }).detach();
      running_ = true;
    } catch (const std::system_error&) {
    }
    return running_;
  }

  [[noreturn]] void run() {
    std::string batch;
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return !waiting_.empty(); });
      batch.clear();
      batch.swap(waiting_);
      if (dropped_ != 0) batch += fmt::format("[WARNING] log: {} lines dropped: the output is too slow\n", dropped_);
      dropped_ = 0;
      writing_ = true;
      lock.unlock();
      write_all(batch);
      lock.lock();
      writing_ = false;
      written_.notify_all();
    }
  }

  static void write_all(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
      if (count < 0 && errno == EAGAIN) {
        pollfd room{STDOUT_FILENO, POLLOUT, 0};
        poll(&room, 1, -1);
      } else if (count < 0 && errno != EINTR) {
        return;  // nobody listens any more
      }
      if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_, written_;
  std::string waiting_;
  std::uint64_t dropped_ = 0;
  bool running_ = false;
  bool writing_ = false;
};

std::atomic<bool> debug_shown{false};

Writer& writer() {
  static auto* const instance = new Writer;  // never destroyed: its thread runs until the process ends
  return *instance;
}

}  // namespace

void show_debug(bool show) { debug_shown.store(show, std::memory_order_relaxed); }
bool shows_debug() { return debug_shown.load(std::memory_order_relaxed); }

void write(std::string_view line) { writer().add(line); }
void flush() { writer().flush(); }

}  // namespace swage::log
