// follow(): a file of the operator's, read again whenever it has changed, for as long as a Service runs. What "changed"
// means, how often and on which thread is looked, and what the log says, is here for all plugins that have a file.
//
//     Result<> WeightService::prepare() {
//       file_.remember();
//       …                                                                           // reads it for the first time
//     }
//     async::Task<Result<>> WeightService::run(Host& host) {
//       const auto load = [this] { return read_weights(path_); };                   // on another thread
//       const auto take = [this](Result<Weights> read) { return publish(read); };   // on the loop's
//       co_await follow(host, file_, load, take);
//       co_return Result<>();
//     }
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "core/async/task.h"
#include "core/async/work.h"
#include "core/file_stamp.h"
#include "core/plugin/service.h"
#include "core/result.h"

namespace swage {

// A file, or files that belong together, as a Service last read them. Links are followed: a file has changed when its
// name leads to another one.
class FollowedFiles {
 public:
  using Time = std::chrono::milliseconds;
  struct Options {
    Time every{};               // between two looks; 0: never looked at again
    Time settled = Time(100);   // without a further change before they are read: for 50 times as long at most
    bool watch_folder = false;  // look at once, too, when something happens in the folder of the first one
  };

  // `plugin` for lines of the log.
  FollowedFiles(std::string plugin, std::vector<std::string> paths, Options options)
      : plugin_(std::move(plugin)), paths_(std::move(paths)), options_(options), stamps_(paths_.size()) {}

  // They are going to be read as they are now; or have to be read again, whether they change or not.
  void remember() { stamps_ = look(); }
  void forget() { stamps_.clear(); }

  // For follow(). Waits until they are not what was remembered, which they are then. False: the Service is to stop.
  [[nodiscard]] async::Task<bool> changed(Host& host);
  [[nodiscard]] async::Task<bool> as_remembered(async::Loop& loop) const;
  // Logs an Error, unless it is that of the last time; and what came after one.
  void report(const Result<>& taken);

 private:
  using Stamps = std::vector<FileStamp>;
  [[nodiscard]] Stamps look() const;
  [[nodiscard]] async::Task<Stamps> look_on_thread(async::Loop& loop) const;

  std::string plugin_;
  std::vector<std::string> paths_;
  Options options_;
  Stamps stamps_;
  std::string problem_;  // that was said and is not over
};

// Ends when the Service is to stop. Calls `load` on another thread when the files have changed, and `take` on the
// loop's with what it gave, a Result: an Error too, which take() returns with what stays in force. What was changed
// while it was read is read again and not taken. REQUIRES: `host` and `files` outlive the task; what the functions
// refer to, too.
template <typename Load, typename Take>
[[nodiscard]] async::Task<> follow(Host& host, FollowedFiles& files, Load load, Take take) {
  while (true) {
    const bool changed = co_await files.changed(host);
    if (!changed) co_return;
    auto loaded = co_await async::work(host.loop(), load);
    const bool whole = co_await files.as_remembered(host.loop());
    if (whole) files.report(take(std::move(loaded)));
  }
}

}  // namespace swage
