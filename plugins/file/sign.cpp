// A ZoneService whose zone is signed here: at the start, when its file has changed, and before signatures expire.
#include <ctime>

#include "core/async/work.h"
#include "core/counted.h"
#include "core/log.h"
#include "core/signing/key_watch.h"
#include "plugins/file/file.h"

namespace swage::plugins::file {
namespace {

constexpr std::int64_t kAgain = 60;  // seconds after an error

std::string kept_as(const ServedZone& zone) { return formatted("signed {} {}", zone.apex.to_string(), zone.path); }

}  // namespace

void ZoneService::begin_signing() {
  maker_ = std::make_unique<signing::ZoneMaker>(zone_.apex, zone_.sign->settings,
                                                signing::keys_from(zone_.sign->keys, zone_.apex, "plugin/file"));
  if (!zone_.images.empty()) folder_ = std::make_shared<const images::ImageFolder>(zone_.images);
}

// On any thread. The version before is the one in force or, at the start of the server, that which was kept.
Result<ZoneService::Loaded> ZoneService::sign(std::shared_ptr<const shm::Segment> plain) {
  std::optional<shm::Segment> kept;
  Bytes before = zone_.snapshot->bytes();
  if (before.empty() && folder_) {
    Result<std::optional<shm::Segment>> read = folder_->read(kept_as(zone_));
    if (!read) log::warning("plugin/file: {}; {} is signed anew", read.error().text(), zone_.path);
    if (read && *read && zone::View::check((*read)->bytes())) kept = *std::move(read);
    if (kept) before = kept->bytes();
  }
  TRY(auto made, maker_->make(plain->bytes(), before, std::time(nullptr), "swage " + zone_.snapshot->name()));
  Loaded loaded;
  loaded.plain = std::move(plain);
  loaded.due = made.next;
  loaded.signatures = made.figures;
  if (!made.image && !kept) return loaded;
  loaded.image = made.image ? *std::move(made.image) : *std::move(kept);
  return with_journal(std::move(loaded));
}

// What this process began with is the version in force.
Result<> ZoneService::keep_published() const {
  if (zone_.journal != nullptr && !zone_.journal->bytes().empty()) TRY(zone_.journal->keep());
  return zone_.snapshot->keep();
}

void ZoneService::adopt_signed(const Loaded& loaded) {
  plain_ = loaded.plain;
  due_ = loaded.due;
  not_before_ = 0;
  zone_.made_signatures.add(loaded.signatures.made);
  if (wake_) wake_->set();
  if (!loaded.image.exists()) return;
  log::info("plugin/file: {}: signed with serial {}: {} made, {} kept; again on {}", zone_.apex.to_string(),
            zone::View(loaded.image.bytes()).serial(), counted(loaded.signatures.made, "signature"),
            loaded.signatures.kept, signing::time_text(due_));
}

void ZoneService::sign_soon(shm::Segment plain) {
  next_ = std::make_shared<const shm::Segment>(std::move(plain));
  not_before_ = 0;
  if (wake_) wake_->set();
}

async::Task<Result<>> ZoneService::keep_signed(Host& host) {
  wake_ = std::make_unique<async::Event>(host.loop());
  host.loop().spawn(wake_at_end(host));
  host.loop().spawn(stop_at_end(host));
  co_await keep_image(host);
  signing::KeyWatch watch(zone_.sign->keys);
  while (!host.stopping().is_set()) {
    const std::int64_t now = std::time(nullptr);
    const std::int64_t at = std::max(next_ ? 0 : due_, not_before_);
    if (at > now) {
      const auto left = std::min<std::chrono::milliseconds>(std::chrono::seconds(at - now), watch.pause());
      const bool woken = co_await async::wait_for(*wake_, left);
      wake_->reset();
      if (woken || !watch.is_due(std::time(nullptr))) continue;
      const auto look = [this] { return maker_->keys_differ(std::time(nullptr)); };
      const bool other_keys = co_await async::work(host.loop(), look);
      if (other_keys) due_ = 0;
      continue;
    }
    not_before_ = now + kAgain;  // until it has been published
    if (updater_) {
      updater_->make_again();
    } else {
      co_await sign_again(host);
    }
  }
  co_return Result<>();
}

async::Task<> ZoneService::sign_again(Host& host) {
  const std::shared_ptr<const shm::Segment> plain = next_ ? next_ : plain_;
  const auto make = [this, &plain] { return sign(plain); };
  Result<Loaded> loaded = co_await async::work(host.loop(), make);
  if (!loaded && host.stopping().is_set()) co_return;
  Result<> done;
  bool has_changed = false;
  if (loaded) {
    has_changed = loaded->image.exists();
    if (next_ == plain) next_ = nullptr;
    done = publish(*std::move(loaded));
  } else {
    done = std::unexpected(loaded.error());
  }
  report_signing(done);
  if (!done || !has_changed) co_return;
  measure_zone();
  co_await keep_image(host);
}

// An Error once, until it is another one or over.
void ZoneService::report_signing(const Result<>& done) {
  const std::string problem = done ? "" : done.error().text();
  if (!done) zone_.sign_failures.add();
  if (!done && problem != problem_) {
    log::error("plugin/file: {}: cannot be signed: {}; the zone stays as it was, with signatures that get older",
               zone_.apex.to_string(), problem);
  } else if (done && !problem_.empty()) {
    log::info("plugin/file: {}: can be signed again", zone_.apex.to_string());
  }
  problem_ = problem;
}

async::Task<> ZoneService::keep_image(Host& host) {
  if (!folder_) co_return;
  const shm::Held image = zone_.snapshot->hold();
  const std::string name = kept_as(zone_);
  const auto write = [folder = folder_, &name, &image] { return folder->write(name, {}, image.bytes); };
  const Result<> written = co_await async::work(host.loop(), write);
  if (!written) log::error("plugin/file: {}; the image is not kept", written.error().text());
}

async::Task<> ZoneService::wake_at_end(Host& host) {
  co_await host.stopping().wait();
  wake_->set();
}

async::Task<> ZoneService::stop_at_end(Host& host) {
  co_await host.last_call().wait();
  maker_->stop();
}

}  // namespace swage::plugins::file
