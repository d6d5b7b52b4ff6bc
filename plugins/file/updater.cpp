#include "plugins/file/updater.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "core/async/work.h"
#include "core/counted.h"
#include "core/log.h"
#include "core/whole_file.h"
#include "core/zone/name_records.h"
#include "core/zone/patch.h"
#include "core/zone/view.h"

namespace swage::plugins::file {
namespace {

using namespace std::chrono_literals;
using dns::Rcode;

constexpr auto kLockAgain = 50ms;
constexpr int kLockTold = 600;  // times: 30 s, when the process before has ended
// At least, until all dns processes answer from what was published: one that has just begun may not be known here yet.
constexpr auto kInForce = 20ms;
// While one of them does not, or a process that is going to take over does not have what was changed
// (JournalFile::answers_held()). A process that hangs is replaced by then.
constexpr auto kHeldAgain = 5ms, kMostHeld = 6000ms;
constexpr std::size_t kMostQueued = 4096, kMostQueuedBytes = 32 << 20;
constexpr std::size_t kMostAtOnce = 256;  // requests of a batch
constexpr std::size_t kLeastCompacted = 1 << 20;
constexpr std::size_t kMostKeyFile = 4 << 20;
// For so long a request that comes again is known; TSIG takes none that is older (RFC 8945 section 10).
constexpr std::int64_t kRecent = 2 * swage::tsig::kFudge;  // seconds
constexpr std::size_t kMostRecent = 100'000;

std::uint32_t serial_after(const JournalFile::Contents& contents) {
  std::uint32_t serial = contents.start.serial;
  for (const update::JournalEntry& entry : contents.entries) {
    for (const update::Change& each : entry.changes.added) {
      if (each.type == dns::Type::soa && each.rdata.size() >= 20)
        serial = load_u32(&each.rdata[each.rdata.size() - 20]);
    }
  }
  return serial;
}

Result<std::vector<swage::tsig::OwnKey>> read_key_file(const std::string& path) {
  TRY(InputFile file, InputFile::open(path));
  if (file.size() > kMostKeyFile) return fail("{}: {} are too many", path, counted(file.size(), "byte"));
  if ((file.mode() & 0007) != 0) log::warning("plugin/file: {}: everybody may read the keys in it", path);
  crypto::Secret text(file.size());
  TRY(const std::size_t size, file.read(text.bytes()));
  return swage::tsig::read_key_file(as_text(Bytes(text.bytes()).first(size)), path);
}

}  // namespace

Updater::Updater(UpdatedZone zone, UpdateOptions options, Fetch& fetch, UpdateFigures figures)
    : zone_(std::move(zone)),
      options_(std::move(options)),
      relay_(fetch),
      figures_(figures),
      journal_(options_.journal) {}

Result<> Updater::read_keys() {
  TRY(const std::vector<swage::tsig::OwnKey> keys, read_key_file(options_.secrets));
  TRY(keys_, swage::tsig::Ring::make(keys));
  for (const dns::Name& key : options_.settings.rules.keys()) {
    if (!keys_.find(key)) return fail("update: {}: there is no key {}", options_.secrets, key.to_string());
  }
  return {};
}

Result<shm::Segment> Updater::begin_with(shm::Segment file_image) {
  TRY(read_keys());
  TRY(journal_.check_access());
  journal_.hold_answers();
  TRY(Combined combined, combine(file_image.bytes()));
  start_ = combined.start;
  prepared_ = combined.anew ? SIZE_MAX : combined.whole;
  recent_ = std::move(combined.recent);
  return combined.image ? *std::move(combined.image) : std::move(file_image);
}

// On any thread.
Result<Updater::Combined> Updater::combine(Bytes file_image) const {
  const zone::View view(file_image);
  TRY(check_signed(file_image));
  Combined combined;
  combined.start = {update::zone_digest(file_image), view.serial()};
  TRY(const auto contents, journal_.read());
  combined.anew = !contents || contents->start.zone != combined.start.zone;
  if (combined.anew) {
    if (contents && !contents->entries.empty()) TRY(check_newer(file_image, contents->start, serial_after(*contents)));
    return combined;
  }
  combined.whole = contents->whole;
  combined.size = contents->size;
  if (contents->entries.empty()) return combined;
  update::EditedZone edited(file_image);
  for (const update::JournalEntry& entry : contents->entries) {
    const Result<> replayed = edited.replay(entry.changes);
    if (!replayed) return fail("{}: {}", journal_.path(), replayed.error().text());
    combined.recent[entry.request] = entry.time;
  }
  TRY(combined.image, image_of(edited));
  return combined;
}

// What updates would make wrong.
Result<> Updater::check_signed(Bytes file_image) const {
  if (zone_.plain) return {};  // it is signed here, whatever the file has
  if (zone::View(file_image).signatures_expire()) {
    return fail("update: the zone in {} is signed; updates would leave it with signatures that are wrong", zone_.path);
  }
  bool has_digest = false;
  zone::for_each_record_of(file_image, zone_.apex, [&](dns::NameView, dns::Type type, std::uint32_t, Bytes) {
    has_digest |= type == dns::Type::zonemd;
  });
  if (!has_digest) return {};
  return fail("update: the zone in {} has a ZONEMD record, which updates would make wrong", zone_.path);
}

Result<> Updater::check_newer(Bytes file_image, const update::JournalStart& start, std::uint32_t serial) const {
  const std::uint32_t own = zone::View(file_image).serial();
  if (update::is_greater(own, serial)) return {};
  return fail(
      "{} has changed, and its serial {} is not greater than {}, to which updates have led from {} (journal {}); give "
      "it a greater one, and the updates' changes are gone, or put the file back as it was",
      zone_.path, own, serial, start.serial, journal_.path());
}

// Of the names that are changed, and of the image before; as a whole where that does not go.
Result<shm::Segment> Updater::image_of(const update::EditedZone& zone) const {
  const auto create = [this](std::size_t size) {
    return shm::Segment::create("swage " + zone_.snapshot->name(), size);
  };
  zone::Builder part(zone_.apex);
  TRY(zone.build_changed(part));
  std::vector<std::uint64_t> memory((part.image_size() + 7) / 8);
  const MutableBytes part_image(reinterpret_cast<std::uint8_t*>(memory.data()), part.image_size());
  part.write(part_image);
  if (const auto patch = zone::Patch::make(zone.image(), part_image, zone.changed_names())) {
    TRY(shm::Segment image, create(patch->image_size()));
    patch->write(image.writable_bytes());
    TRY(zone::View::check(image.bytes()));
    return image;
  }
  zone::Builder builder(zone_.apex);
  TRY(zone.build(builder));
  TRY(shm::Segment image, create(builder.image_size()));
  builder.write(image.writable_bytes());
  TRY(zone::View::check(image.bytes()));
  return image;
}

// What updates see and change: the zone in force, or what it is without its signatures.
shm::Held Updater::plain() const {
  if (!zone_.plain) return zone_.snapshot->hold();
  std::shared_ptr<const shm::Segment> zone = zone_.plain();
  const Bytes bytes = zone->bytes();
  return {bytes, std::move(zone)};
}

async::Task<Result<>> Updater::run(Host& host) {
  const auto lock = [this] { return journal_.lock(); };
  int waited = 0;
  while (true) {
    CO_TRY(const bool locked, co_await async::work(host.loop(), lock));
    if (locked) break;
    const bool stopped = co_await host.stopping(kLockAgain);
    if (stopped) co_return Result<>();
    if (++waited == kLockTold) {
      log::warning("plugin/file: {}: waits for the journal {}, which another process writes", zone_.apex.to_string(),
                   journal_.path());
    }
  }
  const auto look = [this] { return take_over(); };
  CO_TRY(std::optional<LoadedZone> newer, co_await async::work(host.loop(), look));
  if (newer) {
    CO_TRY(zone_.publish(*std::move(newer)));
    co_await wait_until_in_force(host);
  }
  journal_.let_answers_go();
  async::Event wake(host.loop());
  wake_ = &wake;
  const auto take_request = [this](const std::string& request) { take(request); };
  relay_.on_request(take_request);
  co_await adopt_next(host);
  while (!host.stopping().is_set()) {
    co_await async::any_of(wake, host.stopping());
    wake.reset();
    do {
      std::vector<Job> jobs = next_batch();
      if (!jobs.empty()) co_await serve_batch(host, std::move(jobs));
      co_await adopt_next(host);
      if (again_) co_await publish_again(host);
    } while (!queue_.empty());
  }
  wake_ = nullptr;
  journal_.unlock();
  co_return Result<>();
}

// With the lock, on another thread: what the process before has written since begin_with() is taken, too.
Result<std::optional<LoadedZone>> Updater::take_over() {
  TRY(const auto contents, journal_.read());
  const bool same = contents && prepared_ == contents->whole && contents->start.zone == start_.zone;
  if (same || (!contents && prepared_ == SIZE_MAX)) {
    if (!contents) {
      TRY(journal_.begin(update::write_start(start_)));
    } else if (contents->size > contents->whole) {
      log::warning("plugin/file: {}: the last entry was not written to its end; {} thrown away", journal_.path(),
                   counted(contents->size - contents->whole, "byte"));
      TRY(journal_.cut(contents->whole));
    }
    figures_.journal.set(static_cast<double>(journal_.size()));
    return std::nullopt;
  }
  if (keys_.count() == 0) TRY(read_keys());  // begin_with() was not asked: the zone file could not be read
  TRY(shm::Segment file, zone_.load());
  TRY(Combined combined, combine(file.bytes()));
  start_ = combined.start;
  recent_ = std::move(combined.recent);
  if (combined.anew) {
    if (contents)
      log::info("plugin/file: {} is newer than the journal {}, which begins anew", zone_.path, journal_.path());
    TRY(journal_.begin(update::write_start(start_)));
  } else if (combined.size > combined.whole) {
    TRY(journal_.cut(combined.whole));
  }
  figures_.journal.set(static_cast<double>(journal_.size()));
  return zone_.with_journal(combined.image ? *std::move(combined.image) : std::move(file));
}

// Whether it is another zone than the journal begins with.
Result<bool> Updater::check_file(Bytes file_image) const {
  TRY(check_signed(file_image));
  if (update::zone_digest(file_image) == start_.zone) return false;  // its records are as they were
  const bool has_updates = journal_.size() > update::kJournalStart;
  if (has_updates) TRY(check_newer(file_image, start_, zone::View(plain().bytes).serial()));
  return true;
}

Result<> Updater::take_file(shm::Segment image) {
  if (wake_ != nullptr) {
    TRY(const bool other, check_file(image.bytes()));
    if (!other) return {};
    wake_->set();
  }
  next_file_ = std::move(image);
  return {};
}

void Updater::make_again() {
  again_ = true;
  if (wake_ != nullptr) wake_->set();
}

async::Task<> Updater::adopt_next(Host& host) {
  if (!next_file_) co_return;
  shm::Segment file = *std::exchange(next_file_, std::nullopt);
  const Result<> adopted = co_await adopt(host, std::move(file));
  if (!adopted) log::error("plugin/file: {}; the zone stays as it was", adopted.error().text());
}

async::Task<Result<>> Updater::adopt(Host& host, shm::Segment image) {
  CO_TRY(const bool other, check_file(image.bytes()));
  if (!other) co_return Result<>();
  const update::JournalStart start{update::zone_digest(image.bytes()), zone::View(image.bytes()).serial()};
  const auto build = [this, &image] { return zone_.with_journal(std::move(image)); };
  CO_TRY(LoadedZone next, co_await async::work(host.loop(), build));
  CO_TRY(journal_.begin(update::write_start(start)));
  start_ = start;
  figures_.journal.set(static_cast<double>(journal_.size()));
  log::info("plugin/file: {} has a greater serial; the journal {} begins anew", zone_.path, journal_.path());
  co_return zone_.publish(std::move(next));
}

async::Task<> Updater::publish_again(Host& host) {
  again_ = false;
  const auto build = [this] { return zone_.again(); };
  Result<LoadedZone> next = co_await async::work(host.loop(), build);
  Result<> done;
  if (next) {
    done = zone_.publish(*std::move(next));
  } else {
    done = std::unexpected(next.error());
  }
  zone_.signed_again(done);
}

void Updater::take(const std::string& request) {
  if (wake_ == nullptr || queue_.size() >= kMostQueued || queued_bytes_ + request.size() > kMostQueuedBytes) {
    figures_.requests.at(UpdateFigures::failed).add();
    return relay_.fail(request);
  }
  queued_bytes_ += request.size();
  queue_.push_back(request);
  wake_->set();
}

std::vector<Updater::Job> Updater::next_batch() {
  std::vector<Job> jobs(std::min(queue_.size(), kMostAtOnce));
  for (Job& job : jobs) {
    job.request = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= job.request.size();
  }
  return jobs;
}

std::vector<std::uint8_t> Updater::entries_of(const std::vector<Job>& jobs, std::int64_t now) {
  std::vector<std::uint8_t> entries;
  for (const Job& job : jobs) {
    if (!job.changes.empty()) update::append_entry({now, job.digest, job.changes}, entries);
  }
  return entries;
}

async::Task<> Updater::serve_batch(Host& host, std::vector<Job> jobs) {
  const std::int64_t now = std::time(nullptr);
  const shm::Held image = plain();
  update::EditedZone zone(image.bytes);
  for (Job& job : jobs) decide(job, zone, now);
  const std::vector<std::uint8_t> entries = entries_of(jobs, now);
  if (entries.empty() && !journal_.answers_held()) {
    answer(jobs);
    co_return;
  }
  if (entries.empty()) {
    host.loop().spawn(answer_soon(host, std::move(jobs)));
    co_return;
  }
  const std::uint32_t serial = zone::View(image.bytes).serial();
  bool possible = true;
  const auto build = [this, &zone, &possible, serial]() -> Result<LoadedZone> {
    Result<shm::Segment> built = image_of(zone);
    // Each of two updates may lead the serial on by half of all numbers, which is back (RFC 1982): one by one, both
    // versions are published.
    possible = built.has_value() && update::is_greater(zone::View(built->bytes()).serial(), serial);
    if (built && !possible) return fail("the serial number would lead back");
    if (!built) return std::unexpected(built.error());
    return zone_.with_journal(*std::move(built));
  };
  Result<LoadedZone> next = co_await async::work(host.loop(), build);
  if (!possible && jobs.size() > 1) {  // one of them asks for what no zone can have
    co_await serve_each(host, std::move(jobs));
    co_return;
  }
  if (!possible) {
    log::warning("plugin/file: {}: an update is refused: {}", zone_.apex.to_string(), next.error().text());
    jobs.front().rcode = Rcode::refused;
    jobs.front().changes = {};
    answer(jobs);
    co_return;
  }
  Result<> kept;
  if (next) {
    const auto write = [this, &entries] { return journal_.append(entries); };
    kept = co_await async::work(host.loop(), write);
  } else {
    kept = std::unexpected(next.error());
  }
  if (kept) {
    kept = zone_.publish(*std::move(next));
    if (!kept) static_cast<void>(journal_.cut(journal_.size() - entries.size()));
  }
  if (!kept) {
    log::error("plugin/file: {}: updates have failed: {}", zone_.apex.to_string(), kept.error().text());
    for (Job& job : jobs) {
      if (job.signature.status != swage::tsig::Status::good) continue;
      job.rcode = Rcode::servfail;
      job.changes = {};
    }
    answer(jobs);
    co_return;
  }
  remember(jobs, now);
  host.loop().spawn(answer_soon(host, std::move(jobs)));
  if (journal_.size() <= std::max(compact_at_, kLeastCompacted)) co_return;
  const auto shorten = [this] { return compact(); };
  const Result<> compacted = co_await async::work(host.loop(), shorten);
  if (!compacted) log::warning("plugin/file: {}", compacted.error().text());
  figures_.journal.set(static_cast<double>(journal_.size()));
}

async::Task<> Updater::serve_each(Host& host, std::vector<Job> jobs) {
  for (Job& job : jobs) {
    std::vector<Job> one(1);
    one.front().request = std::move(job.request);
    co_await serve_batch(host, std::move(one));
  }
}

async::Task<> Updater::wait_until_in_force(Host& host) {
  co_await async::sleep(host.loop(), kInForce);
  for (auto waited = 0ms; waited < kMostHeld && !zone_.snapshot->in_force(); waited += kHeldAgain) {
    co_await async::sleep(host.loop(), kHeldAgain);
  }
}

async::Task<> Updater::answer_soon(Host& host, std::vector<Job> jobs) {
  co_await wait_until_in_force(host);
  for (auto waited = 0ms; waited < kMostHeld && journal_.answers_held(); waited += kHeldAgain) {
    co_await async::sleep(host.loop(), kHeldAgain);
  }
  answer(jobs);
}

void Updater::remember(const std::vector<Job>& jobs, std::int64_t now) {
  if (recent_.size() >= kMostRecent) {
    std::erase_if(recent_, [now](const auto& each) { return each.second < now - kRecent; });
    if (recent_.size() >= kMostRecent) recent_.clear();
  }
  for (const Job& job : jobs) {
    if (!job.changes.empty()) recent_[job.digest] = now;
  }
  figures_.journal.set(static_cast<double>(journal_.size()));
}

// On another thread, while nothing is appended: one entry for all changes, and those requests that may come again.
Result<> Updater::compact() {
  TRY(const auto contents, journal_.read());
  if (!contents) return fail("{}: is gone", journal_.path());
  const std::int64_t now = std::time(nullptr);
  update::NetChanges net;
  for (const update::JournalEntry& entry : contents->entries) net.add(entry.changes);
  std::vector<std::uint8_t> bytes = update::write_start(contents->start);
  update::append_entry({now, {}, net.changes()}, bytes);
  for (const update::JournalEntry& entry : contents->entries) {
    if (entry.time >= now - kRecent && entry.request != crypto::Digest{}) {
      update::append_entry({entry.time, entry.request, {}}, bytes);
    }
  }
  compact_at_ = 2 * bytes.size();
  return journal_.begin(bytes);
}

}  // namespace swage::plugins::file
