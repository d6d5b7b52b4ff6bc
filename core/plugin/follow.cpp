#include "core/plugin/follow.h"

#include <optional>

#include "core/log.h"

namespace swage {
namespace {

constexpr int kMaxSettling = 50;  // times Options::settled, for files that never stop changing

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

FollowedFiles::Stamps FollowedFiles::look() const {
  Stamps stamps;
  for (const std::string& path : paths_) stamps.push_back(FileStamp::of(path));
  return stamps;
}

// A file system may be somewhere else, and not answer.
async::Task<FollowedFiles::Stamps> FollowedFiles::look_on_thread(async::Loop& loop) const {
  const auto look_now = [this] { return look(); };
  co_return co_await async::work(loop, look_now);
}

async::Task<bool> FollowedFiles::as_remembered(async::Loop& loop) const {
  const Stamps found = co_await look_on_thread(loop);
  co_return found == stamps_;
}

async::Task<bool> FollowedFiles::changed(Host& host) {
  if (options_.every == Time::zero()) {
    co_await host.stopping().wait();
    co_return false;
  }
  async::Event look_again(host.loop());
  async::Timer timer(host.loop(), [&look_again] { look_again.set(); });
  std::optional<async::FolderWatch> watch;
  if (options_.watch_folder) watch.emplace(host.loop(), folder_of(paths_.front()), [&look_again] { look_again.set(); });
  while (true) {
    if (watch) watch->start();  // each time: the folder may be another one
    look_again.reset();
    Stamps found = co_await look_on_thread(host.loop());
    if (found != stamps_) {
      for (int i = 0; i < kMaxSettling; ++i) {
        const bool stopped = co_await host.stopping(options_.settled);
        if (stopped) co_return false;
        Stamps now = co_await look_on_thread(host.loop());
        const bool same = now == found;
        found = std::move(now);
        if (same) break;
      }
      stamps_ = std::move(found);
      co_return true;
    }
    timer.start(options_.every);
    co_await async::any_of(look_again, host.stopping());
    if (host.stopping().is_set()) co_return false;
  }
}

void FollowedFiles::report(const Result<>& taken) {
  if (taken) {
    if (!problem_.empty()) log::info("plugin/{}: {}: can be read again", plugin_, paths_.front());
    problem_.clear();
  } else if (taken.error().text() != problem_) {
    problem_ = taken.error().text();
    log::error("plugin/{}: {}", plugin_, problem_);
  }
}

}  // namespace swage
