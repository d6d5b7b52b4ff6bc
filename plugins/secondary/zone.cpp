#include "plugins/secondary/zone.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "core/async/tasks.h"
#include "core/async/work.h"
#include "core/counted.h"
#include "core/dns/serial.h"
#include "core/log.h"
#include "core/zone/diff.h"
#include "core/zone/patch.h"
#include "core/zone/view.h"

namespace swage::plugins::secondary {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kBetweenChecks = 200ms;  // where one NOTIFY follows another

std::int64_t now() { return std::time(nullptr); }

}  // namespace

void SecondaryZone::give_back() {
  if (!file_.empty()) budget_.give_back(file_);
  budget_.confirmed().give_back(place_);
  file_.clear();
  place_ = Confirmed::kNone;
}

Result<> SecondaryZone::claim() {
  if (store_.folder().empty()) {
    place_ = budget_.confirmed().take(apex_.to_string() + " " + settings_.view);
    return {};
  }
  TRY(const std::string file, store_.path(apex_));
  TRY(store_.check(apex_));
  if (!budget_.claim(file)) return fail("{} is kept for another server block already", file);
  file_ = file;
  return {};
}

void SecondaryZone::take_over(const SoaTimes& soa, std::int64_t confirmed) {
  soa_ = soa;
  confirmed_ = std::min(confirmed, now());
  expired_ = false;
  figures_.serial.set(soa.serial);
  figures_.confirmed.set(static_cast<double>(confirmed_));
  figures_.expire.set(static_cast<double>(secondary::until_expiry(soa, settings_.refresh).count()));
  figures_.expired.set(0);
  const shm::Held image = published_->image();
  const auto signatures = image.bytes.empty() ? std::nullopt : zone::View(image.bytes).signatures_expire_at(now());
  figures_.signatures.set(static_cast<double>(signatures.value_or(0)));
  budget_.confirmed().set(place_, confirmed_);
}

void SecondaryZone::load() {
  const std::int64_t kept_since = store_.folder().empty() ? budget_.confirmed().at(place_) : store_.confirmed(apex_);
  if (const shm::Held before = published_->image(); !before.bytes.empty()) {
    const Result<> kept = published_->keep();
    if (!kept) log::error("plugin/secondary: {}: {}", apex_.to_string(), kept.error().text());
    take_over(SoaTimes::of(before.bytes), kept_since != 0 ? kept_since : now());
    if (changed_) changed_();
    return;
  }
  if (kept_since == 0 || store_.folder().empty()) return;
  const Result<> loaded = load_from_folder(kept_since);
  if (!loaded) log::warning("plugin/secondary: {}; it is transferred anew", loaded.error().text());
}

Result<> SecondaryZone::load_from_folder(std::int64_t confirmed) {
  zone::Builder builder(apex_);
  TRY(store_.load(builder));
  TRY(published_->compile(NewImage(builder)));
  TRY(published_->publish());
  take_over(SoaTimes::of(published_->image().bytes), confirmed);
  saved_ = soa_->serial;
  log::info("plugin/secondary: {}: serial {}, from the folder {}", apex_.to_string(), soa_->serial, store_.folder());
  if (changed_) changed_();
  static_cast<void>(expire_if_old());
  return {};
}

async::Task<> SecondaryZone::run(Host& host) {
  async::Loop& loop = host.loop();
  woken_.emplace(loop);
  async::Timer timer(loop, [this] { woken_->set(); });
  is_compiling_ = false;
  async::Timer expiry(loop, [this, &expiry] { expiry.start(watch_expiry()); });
  std::int64_t check_at = loop.now();
  while (true) {
    expiry.start(until_expiry());
    timer.start(std::chrono::ceil<milliseconds>(nanoseconds(std::max<std::int64_t>(check_at - loop.now(), 0))));
    if (!notified_) co_await any_of(host.stopping(), *woken_);
    if (host.stopping().is_set()) break;
    woken_->reset();
    if (!notified_ && soa_ && loop.now() < check_at) continue;
    notified_ = false;
    const unsigned failures = failures_;
    const auto checked = co_await async::until(host.stopping(), check(loop));
    if (!checked) break;
    const bool failed = failures_ > failures || !soa_;  // or it was written for longer than it is valid
    const milliseconds pause = failed ? after_failure(soa_, std::max(failures_, 1U), settings_.refresh, random())
                                      : after_success(*soa_, settings_.refresh, random());
    check_at = loop.now() + nanoseconds(pause).count();
    const bool stops = co_await host.stopping(kBetweenChecks);
    if (stops) break;
  }
  woken_.reset();
}

// Whatever the zone is doing else: a primary that takes hours for a transfer does not keep it from expiring.
// Until it is to be looked at again.
milliseconds SecondaryZone::watch_expiry() {
  if (is_compiling_) return kBetweenChecks;
  if (expire_if_old()) woken_->set();
  return until_expiry();
}

void SecondaryZone::notify(const IpAddress& from) {
  notified_ = true;
  notified_by_ = from;
  if (woken_) woken_->set();
}

// The one that has said that the zone changed is asked first.
std::vector<Endpoint> SecondaryZone::primaries_in_order() const {
  std::vector<Endpoint> primaries = settings_.primaries;
  const auto has_said_so = [this](const Endpoint& each) { return notified_by_ && each.address == *notified_by_; };
  std::ranges::stable_partition(primaries, has_said_so);
  return primaries;
}

// Asks one primary after the other, until one has the version that is here or a newer one.
async::Task<bool> SecondaryZone::check(async::Loop& loop) {
  std::string problem;
  const std::vector<Endpoint> primaries = primaries_in_order();
  notified_by_.reset();
  for (const Endpoint& at : primaries) {
    Result<> done;
    Result<transfer::Primary> asked = primary(at);
    if (asked) {
      done = co_await ask(loop, *asked);
    } else {
      done = std::unexpected(asked.error());
    }
    if (done) {
      if (!problem_.empty()) log::info("plugin/secondary: {}: {} answers again", apex_.to_string(), at.to_string());
      problem_.clear();
      failures_ = 0;
      tried_ = true;
      co_return true;
    }
    problem += problem.empty() ? "" : "; ";
    problem += done.error().text();
  }
  say_failure(problem);
  co_return false;
}

// With the key as it is now: files of keys change.
Result<transfer::Primary> SecondaryZone::primary(const Endpoint& at) const {
  transfer::Primary primary{at, settings_.source};
  if (settings_.key.view().is_root()) return primary;
  const std::optional<tsig::Key> key = settings_.keys->find(settings_.key);
  if (!key) return fail("{}: there is no key {}", at.to_string(), settings_.key.to_string());
  primary.key = std::make_shared<const tsig::OwnKey>(tsig::OwnKey::copy_of(*key));
  return primary;
}

void SecondaryZone::say_failure(const std::string& problem) {
  ++failures_;
  tried_ = true;
  figures_.failures.add();
  if (problem == std::exchange(problem_, problem)) return;
  log::warning("plugin/secondary: {}: {}; {}", apex_.to_string(), problem,
               soa_ ? "the zone stays as it was" : "the zone is not served");
}

async::Task<Result<>> SecondaryZone::ask(async::Loop& loop, transfer::Primary primary) {
  if (soa_) {
    const Budget::Permit permit = co_await budget_.question(loop);
    CO_TRY(const std::uint32_t serial, co_await transfer::ask_serial(loop, primary, apex_, random_));
    if (soa_ && serial == soa_->serial) {
      confirm();
      co_await save(loop);
      co_return Result<>();
    }
    if (soa_ && !dns::serial_after(serial, soa_->serial)) {
      co_return fail("{}: its serial {} is older than {}", primary.at.to_string(), serial, soa_->serial);
    }
  }
  const Budget::Place place = co_await budget_.transfer(loop, primary.at);
  if (soa_) {
    const Result<> done = co_await transfer_from(loop, primary, true);
    if (done) co_return Result<>();
    log::info("plugin/secondary: {}: no IXFR: {}; AXFR is tried", apex_.to_string(), done.error().text());
  }
  co_return co_await transfer_from(loop, primary, false);
}

async::Task<Result<>> SecondaryZone::transfer_from(async::Loop& loop, transfer::Primary primary, bool incremental) {
  std::optional<std::uint32_t> serial;
  if (incremental) serial = soa_->serial;
  CO_TRY(const Received received, co_await transfer::receive(loop, primary, apex_, serial, settings_.limits, random_));
  const std::string from = primary.at.to_string();
  if (soa_ && !dns::serial_after(received->serial(), soa_->serial)) {
    co_return fail("{}: what it transfers has serial {}, not newer than {}", from, received->serial(), soa_->serial);
  }
  if (received->form() == transfer::Receiver::Form::changes && (!soa_ || soa_->serial != serial)) {
    co_return fail("{}: the zone has expired meanwhile, and changes alone do not do", from);
  }
  const shm::Held before = published_->image();
  const auto compiling = [this, &received, &before] { return compile(*received, before.bytes); };
  is_compiling_ = true;
  Result<> done = co_await async::work(loop, compiling);
  is_compiling_ = false;
  if (done) done = published_->publish();
  if (!done) co_return fail("{}: {}", from, done.error().text());
  take_over(SoaTimes::of(published_->image().bytes), now());
  figures_.transfers.add();
  const char* const how = received->form() == transfer::Receiver::Form::changes ? "IXFR" : "AXFR";
  log::info("plugin/secondary: {}: serial {}, {}, from {} ({}, {})", apex_.to_string(), soa_->serial,
            counted(zone::View(published_->image().bytes).records(), "record"), from, how,
            counted(received->bytes(), "byte"));
  if (received->outside() != 0) {
    log::warning("plugin/secondary: {}: {} outside the zone left out", apex_.to_string(),
                 counted(received->outside(), "record"));
  }
  co_await save(loop);
  if (changed_) changed_();
  co_return Result<>();
}

// On another thread.
Result<> SecondaryZone::compile(transfer::Receiver& received, Bytes before) {
  if (received.form() == transfer::Receiver::Form::whole) {
    TRY(received.zone().finish());
    return published_->compile(NewImage(received.zone()));
  }
  return compile_changes(received.changes(), before);
}

// Of the names that have changed and of the image before; as a whole where that does not go.
Result<> SecondaryZone::compile_changes(std::span<const zone::Change> changes, Bytes before) {
  zone::Builder part(apex_);
  TRY(const std::vector<dns::Name> names, zone::apply_to_names(before, changes, part));
  if (part.finish()) {  // not that of a signed zone, whose chain it has in pieces
    std::vector<std::uint64_t> memory((part.image_size() + 7) / 8);
    const MutableBytes part_image(reinterpret_cast<std::uint8_t*>(memory.data()), part.image_size());
    part.write(part_image);
    if (const auto patch = zone::Patch::make(before, part_image, names)) return published_->compile(NewImage(*patch));
  }
  zone::Builder builder(apex_);
  TRY(zone::apply(before, changes, builder));
  TRY(builder.finish());
  return published_->compile(NewImage(builder));
}

void SecondaryZone::confirm() { take_over(*soa_, now()); }

// Writes the version in force to the folder, or that it is confirmed where it is there already.
async::Task<> SecondaryZone::save(async::Loop& loop) {
  if (store_.folder().empty()) co_return;
  if (saved_ == soa_->serial && store_.confirm(apex_, confirmed_)) co_return;
  const shm::Held image = published_->image();
  const std::uint32_t serial = soa_->serial;  // it may expire meanwhile
  const auto saving = [this, &image, confirmed = confirmed_] { return store_.save(image.bytes, confirmed); };
  const Result<> saved = co_await async::work(loop, saving);
  if (saved) {
    saved_ = serial;
    not_kept_.clear();
  } else {
    saved_.reset();
    const std::string& why = saved.error().text();
    if (why == std::exchange(not_kept_, why)) co_return;
    log::error("plugin/secondary: {}: not kept: {}", apex_.to_string(), why);
  }
}

milliseconds SecondaryZone::until_expiry() const {
  constexpr milliseconds kLongest = std::chrono::hours(24);
  if (!soa_) return kLongest;
  const milliseconds left =
      std::chrono::seconds(confirmed_ - now()) + secondary::until_expiry(*soa_, settings_.refresh) + 1s;
  return std::clamp(left, 0ms, kLongest);
}

bool SecondaryZone::expire_if_old() {
  if (!soa_ || now() - confirmed_ <= secondary::until_expiry(*soa_, settings_.refresh).count()) return false;
  const Result<> done = published_->expire();
  if (!done) log::error("plugin/secondary: {}: {}", apex_.to_string(), done.error().text());
  log::error(
      "plugin/secondary: {}: has expired: no primary has confirmed serial {} for {} seconds; SERVFAIL until one does",
      apex_.to_string(), soa_->serial, now() - confirmed_);
  soa_.reset();
  saved_.reset();
  expired_ = true;
  figures_.expired.set(1);
  figures_.signatures.set(0);
  if (changed_) changed_();
  return true;
}

double SecondaryZone::random() {
  std::array<std::uint8_t, 4> bytes{};
  random_.fill(bytes);
  return load_u32(bytes.data()) / 4294967296.0;
}

}  // namespace swage::plugins::secondary
