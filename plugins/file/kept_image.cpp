#include "plugins/file/kept_image.h"

#include <ctime>
#include <filesystem>
#include <set>

#include "core/async/work.h"
#include "core/log.h"

namespace swage::plugins::file {
namespace {

// The clock of files goes in steps of some milliseconds: what was written shortly before a load may be written once
// more during it, and not look so.
constexpr std::int64_t kSteps = 100'000'000;  // nanoseconds

}  // namespace

KeptImage::KeptImage(const std::string& folder, const std::string& name, const std::string& zone_path)
    : folder_(folder.empty() ? nullptr : std::make_shared<const images::ImageFolder>(folder)),
      zone_path_(std::filesystem::absolute(zone_path).string()) {
  name_ = formatted("{} {}", name, zone_path_);
}

std::optional<shm::Segment> KeptImage::read() const {
  if (folder_ == nullptr) return {};
  Result<std::optional<shm::Segment>> image = folder_->read(name_);
  if (image) return *std::move(image);
  log::warning("plugin/file: {}; {} is read instead", image.error().text(), zone_path_);
  return {};
}

void KeptImage::begin() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  began_ = now.tv_sec;
  began_nanoseconds_ = now.tv_nsec;
  before_ = FileStamp::of(zone_path_);
  sources_.clear();
}

void KeptImage::loaded(const zone::Report& report) {
  if (folder_ == nullptr || FileStamp::of(zone_path_) != before_) return;
  std::set<std::string> paths = {zone_path_};
  for (const std::string& path : report.files()) paths.insert(std::filesystem::absolute(path).string());
  for (const std::string& path : paths) {
    const FileStamp stamp = FileStamp::of(path);
    const std::int64_t age = (began_ - stamp.seconds) * 1'000'000'000 + began_nanoseconds_ - stamp.nanoseconds;
    if (!stamp.exists() || age < kSteps) return sources_.clear();
    sources_.push_back({path, stamp});
  }
}

async::Task<> KeptImage::keep(async::Loop& loop, shm::Held image) const {
  if (folder_ == nullptr || sources_.empty()) co_return;
  const auto write = [folder = folder_, name = name_, sources = sources_, image] {
    return folder->write(name, sources, image.bytes);
  };
  const Result<> written = co_await async::work(loop, write);
  if (!written) log::error("plugin/file: {}; the image is not kept", written.error().text());
}

}  // namespace swage::plugins::file
