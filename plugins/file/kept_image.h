// KeptImage: the compiled zone in a folder of images, for the next start of the server. In the service process.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/images/image_folder.h"
#include "core/shm/snapshot.h"
#include "core/zone/report.h"

namespace swage::plugins::file {

class KeptImage {
 public:
  // `folder`: empty: nothing is kept. `name`: what the image is of besides the file, and how it is made.
  KeptImage(const std::string& folder, const std::string& name, const std::string& zone_path);

  // What was kept, where it still is what a load would give. Blocks.
  [[nodiscard]] std::optional<shm::Segment> read() const;
  // Before and after each load, on its thread: what the image is made of. What changed meanwhile is not kept.
  void begin();
  void loaded(const zone::Report& report);
  // Writes the image of the last load, on another thread. An Error is logged, and nothing else comes of it.
  [[nodiscard]] async::Task<> keep(async::Loop& loop, shm::Held image) const;

 private:
  std::shared_ptr<const images::ImageFolder> folder_;  // nullptr: nothing is kept
  std::string name_, zone_path_;
  FileStamp before_;
  std::int64_t began_ = 0;  // seconds since 1970, as stamps are
  std::int64_t began_nanoseconds_ = 0;
  std::vector<images::Source> sources_;  // none: not known for certain
};

}  // namespace swage::plugins::file
