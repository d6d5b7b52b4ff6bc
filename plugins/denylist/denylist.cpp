#include "plugins/denylist/denylist.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "core/async/tasks.h"
#include "core/async/work.h"
#include "core/counted.h"
#include "core/crypto/random.h"
#include "core/denylist/builder.h"
#include "core/log.h"
#include "core/whole_file.h"

namespace swage::plugins::denylist {

using namespace std::chrono_literals;
using swage::denylist::Image;
using swage::denylist::ImageBuilder;
using swage::denylist::Source;

namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;  // of a file
constexpr std::chrono::milliseconds kRetry = 30s;         // after a feed failed; doubles up to its `refresh`
constexpr std::size_t kMaxValidator = 1024;               // bytes of an ETag or a date

// A snapshot of what is in force, for another thread.
struct Part {
  std::string name;
  ListType type;
  std::shared_ptr<const KeptList> list;
};

std::vector<Part> parts_of(const std::vector<List>& lists) {
  std::vector<Part> parts;
  for (const List& each : lists) parts.push_back({each.settings.name, each.settings.type, each.current});
  return parts;
}

Result<shm::Segment> build(const std::string& name, const std::vector<Part>& parts, std::uint64_t seed) {
  std::vector<Source> sources;
  std::size_t entries = 0;
  for (const Part& part : parts) {
    sources.push_back({part.name, part.type, part.list->entries});
    entries += part.list->entries.size();
  }
  if (entries > ImageBuilder::kMaxEntries) return fail("the lists have {} entries in all", entries);
  const ImageBuilder builder(sources, seed);
  TRY(shm::Segment image, shm::Segment::create("swage " + name, builder.size()));
  builder.write(image.writable_bytes());
  TRY(Image::check(image.bytes()));
  return image;
}

std::uint64_t random_seed() {
  std::array<std::uint8_t, 8> bytes;
  crypto::SystemRandom().fill(bytes);
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return seed;
}

std::string seconds_text(std::chrono::milliseconds time) {
  return fmt::format("{} s", std::chrono::ceil<std::chrono::seconds>(time).count());
}

// Of networks that have much of the Internet: a feed's do not count, the operator's own do.
void warn_of_wide(const ListSettings& settings, const ListText& text) {
  const std::string others = text.wide == 1 ? "" : fmt::format(" and {} more", text.wide - 1);
  const bool allows = settings.type == ListType::allow;
  log::warning("plugin/denylist: {}: line {}: {}{}: {}", settings.name, text.first_wide_line, text.first_wide, others,
               settings.feed ? "left out: too wide for a feed, whose networks are /8 or smaller, of IPv6 /16"
               : allows      ? "allows a large part of the Internet"
                             : "denies a large part of the Internet");
}

}  // namespace

DenylistService::DenylistService(std::vector<List> lists, std::vector<std::string> forge_zones, shm::Snapshot& snapshot,
                                 http::Fetcher::Settings fetching)
    : lists_(std::move(lists)),
      forge_zones_(std::move(forge_zones)),
      snapshot_(snapshot),
      fetching_(std::move(fetching)),
      seed_(random_seed()) {}

Result<DenylistService::Read> DenylistService::read(const List& list, std::string_view text, KeptList kept) const {
  Read read;
  const bool urls = list.settings.format == ListSettings::Format::url;
  read.text =
      urls ? parse_urls(text, forge_zones_) : parse_addresses(text, list.settings.feed ? Wide::leave_out : Wide::take);
  // Some server's page, or worse, is not a list.
  if (list.settings.feed && text.empty()) return fail("is empty");
  if (list.settings.feed && read.text.unusable > read.text.lines / 2) {
    return fail("is not a list of {}: {} of its {} {} not, the first is line {}", urls ? "URLs" : "addresses",
                read.text.unusable, counted(read.text.lines, "line"), read.text.unusable == 1 ? "is" : "are",
                read.text.first_unusable_line);
  }
  // Its author could take everybody's names away or, with an allow list, undo all others.
  if (list.settings.feed && read.text.lines > 0 && read.text.wide + read.text.unusable == read.text.lines) {
    return fail("has nothing but networks that are too wide: line {}, {}", read.text.first_wide_line,
                read.text.first_wide);
  }
  if (list.settings.feed && has_too_much(read.text.entries)) {
    return fail("has too much of the Internet's addresses: more than a quarter of IPv4's, or than a /12 of IPv6");
  }
  read.kept = std::move(kept);
  read.kept.entries = std::exchange(read.text.entries, {});
  read.kept.time = time(nullptr);
  TRY(read.memory, keep(list.memory->name(), read.kept));
  return read;
}

// A file that is damaged, or another file by mistake, is not a list: what was denied before would be let in.
Result<DenylistService::Read> DenylistService::read_file(const List& list) const {
  const std::string& path = list.settings.place;
  TRY(const std::string text, read_whole_file(path, kMaxBytes));
  if (const std::size_t zero = text.find('\0'); zero != std::string::npos) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(zero), '\n');
    return fail("{}:{}: has a NUL byte: it is not text", path, line);
  }
  Result<Read> result = read(list, text, {});
  if (result && result->text.lines > 0 && result->text.unusable == result->text.lines) {
    const std::size_t lines = result->text.lines;
    return fail("{}:{}: is neither an address nor a network{}", path, result->text.first_unusable_line,
                lines == 1 ? "" : fmt::format(", nor is any other of the file's {} lines", lines));
  }
  return result;
}

// What was read is what counts from now on; where it could not be read, nothing changes.
Result<> DenylistService::update(List& list, Result<Read> read) {
  const ListSettings& settings = list.settings;
  if (!read) {
    return fail("{}: {}; the list before ({}) stays in force", settings.name, read.error().text(),
                counted(list.current->entries.size(), "entry", "entries"));
  }
  const bool same = list.current->time != 0 && list.current->entries == read->kept.entries;
  list.current = std::make_shared<const KeptList>(std::move(read->kept));
  const Result<> kept = list.memory->provide(std::move(read->memory));
  if (!kept) log::error("plugin/denylist: {}: {}", settings.name, kept.error().text());
  show(list);
  if (read->text.wide != 0) warn_of_wide(settings, read->text);
  if (same) return {};
  std::string unusable;
  if (read->text.unusable != 0) {
    unusable = fmt::format("; {} ignored (the first is line {})", counted(read->text.unusable, "line"),
                           read->text.first_unusable_line);
  }
  log::info("plugin/denylist: {}: {}{}", settings.name, counted(list.current->entries.size(), "entry", "entries"),
            unusable);
  if (changed_) changed_->set();
  return {};
}

void DenylistService::show(const List& list) const {
  list.entries.set(static_cast<double>(list.current->entries.size()));
  list.last_update.set(static_cast<double>(list.current->time));
}

Result<> DenylistService::prepare() {
  for (List& list : lists_) {
    std::optional<KeptList> kept = recall(list.memory->bytes());
    if (kept) list.current = std::make_shared<const KeptList>(*std::move(kept));
    show(list);
  }
  for (List& list : lists_) {
    if (list.settings.feed) continue;
    list.file.remember();
    Result<Read> read = read_file(list);
    if (!read) {
      list.file.forget();  // where another process serves already, it is tried again
      return std::unexpected(list.settings.token.error("denylist: " + read.error().text()));
    }
    TRY(update(list, *std::move(read)));
  }
  return publish_now();
}

Result<> DenylistService::publish_now() {
  TRY(shm::Segment image, build(snapshot_.name(), parts_of(lists_), seed_));
  published_ = true;
  return snapshot_.publish(std::move(image));
}

async::Task<Result<>> DenylistService::run(Host& host) {
  changed_.emplace(host.loop());
  if (!published_) changed_->set();  // prepare() could not read a file: the rest is in force
  {
    http::Fetcher fetcher(host.loop(), fetching_);
    async::Tasks following;
    for (List& list : lists_) {
      following.start(list.settings.feed ? follow_feed(host.loop(), fetcher, list) : follow_file(host, list));
    }
    following.start(publish_changes(host.loop()));
    co_await host.stopping().wait();
  }
  changed_.reset();  // before the loop it was made on
  co_return Result<>();
}

async::Task<> DenylistService::publish_changes(async::Loop& loop) {
  while (true) {
    co_await changed_->wait();
    changed_->reset();
    const std::vector<Part> parts = parts_of(lists_);
    const auto make = [this, &parts] { return build(snapshot_.name(), parts, seed_); };
    Result<shm::Segment> image = co_await async::work(loop, make);
    const Result<> published = image ? snapshot_.publish(*std::move(image)) : std::unexpected(image.error());
    if (!published) log::error("plugin/denylist: {}; the lists before stay in force", published.error().text());
  }
}

async::Task<> DenylistService::follow_file(Host& host, List& list) {
  const auto load = [this, &list] { return read_file(list); };
  const auto take = [this, &list](Result<Read> read) { return update(list, std::move(read)); };
  co_await follow(host, list.file, load, take);
}

async::Task<> DenylistService::follow_feed(async::Loop& loop, http::Fetcher& fetcher, List& list) {
  const ListSettings& settings = list.settings;
  std::chrono::milliseconds retry = kRetry;
  while (true) {
    const Result<> refreshed = co_await refresh(loop, fetcher, list);
    std::chrono::milliseconds pause = settings.refresh;
    if (refreshed) {
      retry = kRetry;
    } else {
      pause = std::min(pause, retry);
      retry = std::min(retry * 2, settings.refresh);
      log::warning("plugin/denylist: {}: the feed {}; the list before ({}) stays in force, next try in {}",
                   settings.name, refreshed.error().text(), counted(list.current->entries.size(), "entry", "entries"),
                   seconds_text(pause));
    }
    co_await async::sleep(loop, pause);
  }
}

async::Task<Result<>> DenylistService::refresh(async::Loop& loop, http::Fetcher& fetcher, List& list) {
  std::vector<std::string> fields;
  const bool known = list.current->time != 0;
  if (known && !list.current->etag.empty()) fields.push_back("If-None-Match: " + list.current->etag);
  if (known && !list.current->last_modified.empty()) {
    fields.push_back("If-Modified-Since: " + list.current->last_modified);
  }
  const bool conditional = !fields.empty();
  auto fetched = co_await fetcher.get(list.settings.place, std::move(fields));
  if (!fetched) co_return fail("failed: {}", fetched.error().text());
  if (fetched->status == 304 && conditional) co_return Result<>();
  if (fetched->status != 200) co_return fail("failed: HTTP status {}", fetched->status);
  KeptList kept;
  if (fetched->etag.size() <= kMaxValidator) kept.etag = std::move(fetched->etag);
  if (fetched->last_modified.size() <= kMaxValidator) kept.last_modified = std::move(fetched->last_modified);
  const auto read_it = [this, &list, &fetched, &kept] { return read(list, fetched->body, std::move(kept)); };
  Result<Read> read = co_await async::work(loop, read_it);
  if (!read) co_return std::unexpected(read.error());
  co_return update(list, std::move(read));
}

}  // namespace swage::plugins::denylist
