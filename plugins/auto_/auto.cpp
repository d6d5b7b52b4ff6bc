#include "plugins/auto_/auto.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "core/async/work.h"
#include "core/dns/zones.h"
#include "core/log.h"
#include "core/plugin/lookup.h"
#include "core/zone/journal.h"
#include "core/zone/view.h"
#include "core/zonefile/reader.h"
#include "core/zonemd/zonemd.h"

namespace swage::plugins::auto_ {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxComplaints = 1000;

// A mounted ConfigMap or Secret of Kubernetes has its files in a hidden folder, whose name changes, and links to them:
// also to folders in it. Other folders are found without links.
class LinkedFolders {
 public:
  explicit LinkedFolders(const std::string& top) {
    std::error_code error;
    top_ = fs::canonical(top, error).string() + '/';
  }

  // Whether the link leads to a folder in a hidden one below the top, and to one that was not there before.
  bool is_new(const fs::path& link) {
    std::error_code error;
    const std::string target = fs::canonical(link, error).string();
    if (error || !target.starts_with(top_) || !fs::is_directory(target, error)) return false;
    const bool is_hidden = target.find("/.", top_.size() - 1) != std::string::npos;
    return is_hidden && seen_.insert(target).second;
  }

 private:
  std::string top_;
  std::set<std::string> seen_;
};

// Before a zone's name in the key of its file's path: no name begins so.
constexpr char kPathOf = '\xff';
constexpr char kJournalOf = '\xfe';  // the same for its journal

bool is_zone(const std::string_view& key) { return !key.starts_with(kPathOf) && !key.starts_with(kJournalOf); }

ZoneVersion version_of(const shm::Held& all, std::string_view origin, Bytes image) {
  const Bytes journal = shm::FlatMap(all.bytes).find(kJournalOf + std::string(origin));
  return {{image, all.memory}, {journal, all.memory}};
}

std::string zone_name(const std::string& wire) { return dns::NameView(as_bytes(wire).data(), wire.size()).to_string(); }

}  // namespace

// The image of the zone that answers the query; empty where there is none.
Bytes Auto::authority(const Query& query) const {
  const shm::FlatMap zones(snapshot_.bytes());
  const auto longest = [&](std::size_t most_labels) {
    std::optional<Bytes> found;
    dns::for_each_suffix(query, most_labels, [&](std::uint64_t, dns::NameView name) {
      const Bytes image = zones.find(as_text(name.bytes()));
      if (!image.empty()) found = image;
    });
    return found;
  };
  return dns::find_authority(query, longest).value_or(Bytes());
}

Result<Outcome> Auto::serve(const Query& query, Response& response, Next next) const {
  if (query.qclass != dns::Class::in || !dns::is_under_any(query.key, zones_)) return next(query, response);
  const Bytes image = authority(query);
  if (image.empty()) return next(query, response);
  const zone::View zone(image);
  zone.answer(query, response);
  zone.add_options(query, response);
  return follow_out_of(zone.apex(), query, response);
}

std::optional<ZoneVersion> Auto::find(dns::NameView apex) const {
  if (!dns::is_under_any(apex, zones_)) return {};
  const shm::Held all = snapshot_.hold();
  const Bytes image = shm::FlatMap(all.bytes).find(as_text(apex.bytes()));
  return image.empty() ? std::nullopt : std::optional(version_of(all, as_text(apex.bytes()), image));
}

void Auto::for_each(const std::function<void(const ZoneVersion&)>& visit) const {
  const shm::Held all = snapshot_.hold();
  shm::FlatMap(all.bytes).for_each([&](const shm::FlatMap::Entry& entry) {
    if (!is_zone(entry.key)) return;
    if (!dns::is_under_any(zone::View(entry.value).apex(), zones_)) return;
    visit(version_of(all, entry.key, entry.value));
  });
}

// Those of all files, also of one that has never been loaded: it is a zone whose file is wrong.
bool Auto::for_each_apex(const std::function<void(dns::NameView apex)>& visit) const {
  const Bytes all = snapshot_.bytes();
  shm::FlatMap(all).for_each([&](const shm::FlatMap::Entry& entry) {
    if (!entry.key.starts_with(kPathOf)) return;
    const Bytes name = as_bytes(entry.key).subspan(1);
    const dns::NameView apex(name.data(), name.size());
    if (dns::is_under_any(apex, zones_)) visit(apex);
  });
  return !all.empty();
}

Result<> AutoService::prepare() {
  take_over();
  const Result<> done = take(scan());
  if (done) return {};
  complain_of_folder(done.error());  // it may come later
  count();
  return snapshot_.bytes().empty() ? Result<>() : snapshot_.keep();
}

// The zones of the configuration, or the process, before this one are served on where their files cannot be read now.
void AutoService::take_over() {
  shm::FlatMap(snapshot_.bytes()).for_each([this](const shm::FlatMap::Entry& entry) {
    if (!entry.key.starts_with(kPathOf)) return;
    files_.emplace(entry.key.substr(1), ZoneFile{std::string(as_text(entry.value)), FileStamp()});
  });
}

async::Task<Result<>> AutoService::run(Host& host) {
  if (reload_.count() == 0) co_return Result<>();
  while (!co_await host.stopping(reload_)) {
    const auto look = [this] { return scan(); };
    Result<Scan> scanned = co_await work(host.loop(), look);
    const Result<> done = take(std::move(scanned));
    if (!done) complain_of_folder(done.error());
  }
  co_return Result<>();
}

// Logs each problem once, until it is gone.
void AutoService::complain(const std::string& text) {
  if (complaints_.size() >= kMaxComplaints) return;
  if (complaints_.insert(text).second && !complaints_before_.contains(text)) log::error("plugin/auto: {}", text);
}

void AutoService::complain_of_folder(const Error& error) {
  if (!files_.empty()) return complain(error.text() + "; its zones stay as they were");
  const std::string text = fmt::format("auto: {}; it has no zones until the folder is there", error.text());
  if (complaints_.insert(text).second && !complaints_before_.contains(text)) {
    log::warning("{}", source_.directive.error(text).text());
  }
}

// What was read in a folder that cannot be seen into now.
void AutoService::keep_files_below(const std::string& folder, ZoneFiles& kept) const {
  for (const auto& [origin, file] : files_) {
    if (file.path.starts_with(folder + "/")) kept.emplace(origin, file);
  }
}

// All plain files of the folder and those below it, sorted. Where one of those cannot be read, its zones go to `kept`.
Result<std::vector<std::string>> AutoService::find_files(ZoneFiles& kept) {
  std::vector<std::string> paths;
  std::vector<std::string> folders = {folder_};
  LinkedFolders linked(folder_);
  for (std::size_t i = 0; i < folders.size(); ++i) {
    const std::string folder = folders[i];
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      if (!FileNames::may_be_zone(it->path().filename().string())) continue;
      std::error_code unknown;  // a link to itself, say: no zone file
      const fs::file_type type = it->symlink_status(unknown).type();
      if (type == fs::file_type::directory || (type == fs::file_type::symlink && linked.is_new(it->path()))) {
        folders.push_back(it->path().string());
      } else if (it->is_regular_file(unknown)) {
        paths.push_back(it->path().string());
      }
    }
    if (!error) continue;
    if (i == 0) return fail("{}: {}", folder, error.message());
    if (error == std::errc::no_such_file_or_directory) continue;  // removed meanwhile
    complain(fmt::format("{}: {}; the zones of its files stay as they were", folder, error.message()));
    keep_files_below(folder, kept);
  }
  std::ranges::sort(paths);
  return paths;
}

// The zone files that are there now. Fails where the folder itself cannot be read.
Result<AutoService::ZoneFiles> AutoService::list() {
  complaints_before_ = std::exchange(complaints_, {});
  ZoneFiles files;
  TRY(const std::vector<std::string> paths, find_files(files));
  for (const std::string& path : paths) {
    const auto origin = names_.origin_of(fs::path(path).filename().string());
    if (!origin) continue;
    if (!*origin) {
      log::debug("plugin/auto: {}: passed over: {}", path, origin->error().text());
      continue;
    }
    std::string name(as_text((*origin)->view().bytes()));
    const auto found = files.find(name);
    if (found != files.end()) {
      std::error_code unknown;  // gone meanwhile
      if (found->second.path != path && !fs::equivalent(found->second.path, path, unknown)) {
        complain(fmt::format("{}: not read, {} is that zone too", path, found->second.path));
      }
    } else if (files.size() == kMaxZones) {
      complain(fmt::format("{}: more than {} zones; those after the last are not read", folder_, kMaxZones));
    } else {
      files.emplace(std::move(name), ZoneFile{path, FileStamp::of(path)});
    }
  }
  return files;
}

// Each on a line of its own, of a zone: what is not a zone file at all has an error in every line.
void AutoService::say_errors(const zone::Builder& builder, const Error& error, const dns::Name& apex,
                             bool was_served) const {
  const auto& errors = builder.report().errors();
  if (errors.size() > 1 && (was_served || builder.has_soa())) {
    for (const std::string& line : errors) log::error("plugin/auto: {}", line);
  }
  if (was_served) log::error("plugin/auto: {}; the zone stays as it was", error.text());
  if (!was_served) log::error("plugin/auto: {}; {} is not served", error.text(), apex.to_string());
}

// Fills file.image; it is empty after an Error.
Result<> AutoService::load(ZoneFile& file, zone::Builder& builder) {
  TRY(zonefile::read_file(file.path, builder.apex(), builder));
  file.image.resize((builder.image_size() + 7) / 8);
  const MutableBytes image(reinterpret_cast<std::uint8_t*>(file.image.data()), builder.image_size());
  builder.write(image);
  const Result<std::string> doubt = zonemd::settle({}, image);
  if (!doubt) {
    file.image = {};
    return fail("{}: zone {}: {}", file.path, builder.apex().to_string(), doubt.error().text());
  }
  if (!doubt->empty()) log::warning("plugin/auto: {}: zone {}: {}", file.path, builder.apex().to_string(), *doubt);
  return {};
}

void AutoService::load(const std::string& origin, ZoneFile& file) const {
  const shm::FlatMap published(snapshot_.bytes());
  const Bytes before = published.find(origin);
  const dns::Name apex(dns::NameView(as_bytes(origin).data(), origin.size()));
  zone::Builder builder(apex);
  const Result<> read = load(file, builder);
  if (FileStamp::of(file.path) != file.stamp) file.stamp = {};  // written while it was read: the next look will tell
  file.failed = !read;
  if (!read) {
    say_errors(builder, read.error(), apex, !before.empty());
    return;
  }
  const Bytes image(reinterpret_cast<const std::uint8_t*>(file.image.data()), file.image.size() * 8);
  if (with_journals_) file.journal = zone::next_journal(published.find(kJournalOf + origin), before, image);
  for (const std::string& line : builder.report().warnings()) log::warning("plugin/auto: {}", line);
  log::info("plugin/auto: {}: loaded from {}", apex.to_string(), file.path);
}

// On any thread, never two at once.
Result<AutoService::Scan> AutoService::scan() {
  Scan result;
  TRY(result.files, list());
  bool changed = !published_;
  for (auto& [origin, file] : result.files) {
    const auto before = files_.find(origin);
    const bool same = before != files_.end() && before->second.path == file.path && before->second.stamp == file.stamp;
    if (same) {
      file.failed = before->second.failed;
    } else {
      load(origin, file);
    }
    changed = changed || before == files_.end() || !file.image.empty();
  }
  for (const auto& [origin, file] : files_) {
    if (result.files.contains(origin)) continue;
    changed = true;
    log::info("plugin/auto: {}: gone, as is {}", zone_name(origin), file.path);
  }
  if (!changed) return result;
  TRY(result.set, make_set(result.files));
  for (auto& [origin, file] : result.files) file.image = {}, file.journal = {};
  return result;
}

// Of what was just compiled and, for the other files, what is published.
Result<shm::Segment> AutoService::make_set(const ZoneFiles& files) const {
  const shm::FlatMap published(snapshot_.bytes());
  std::vector<shm::FlatMap::Entry> entries;
  std::vector<std::string> keys;
  keys.reserve(2 * files.size());  // the entries refer to them
  for (const auto& [origin, file] : files) {
    const Bytes fresh(reinterpret_cast<const std::uint8_t*>(file.image.data()), file.image.size() * 8);
    const Bytes image = fresh.empty() ? published.find(origin) : fresh;
    entries.push_back({keys.emplace_back(kPathOf + origin), as_bytes(file.path)});
    if (image.empty()) continue;
    entries.push_back({origin, image});
    const Bytes journal = fresh.empty() ? published.find(kJournalOf + origin) : Bytes(file.journal);
    if (with_journals_ && !journal.empty()) entries.push_back({keys.emplace_back(kJournalOf + origin), journal});
  }
  return shm::FlatMap::to_segment("swage " + snapshot_.name(), entries);
}

Result<> AutoService::take(Result<Scan> scanned) {
  if (!scanned) return std::unexpected(scanned.error());
  if (scanned->set) {
    TRY(snapshot_.publish(*std::move(scanned->set)));
    published_ = true;
  }
  files_ = std::move(scanned->files);
  count();
  return {};
}

void AutoService::count() const {
  const std::int64_t now = std::time(nullptr);
  const shm::FlatMap published(snapshot_.bytes());
  std::size_t zones = 0, failed = 0;
  std::int64_t first = 0;
  for (const auto& [origin, file] : files_) {
    failed += file.failed ? 1 : 0;
    const Bytes image = published.find(origin);
    if (image.empty()) continue;
    ++zones;
    const std::int64_t expires = zone::View(image).signatures_expire_at(now).value_or(0);
    if (expires != 0 && (first == 0 || expires < first)) first = expires;
  }
  source_.zones.set(static_cast<double>(zones));
  source_.failed.set(static_cast<double>(failed));
  source_.signatures.set(static_cast<double>(first));
}

}  // namespace swage::plugins::auto_
