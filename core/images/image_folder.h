// ImageFolder: compiled zones in files, which outlive the server: after a restart a zone is there as fast as its image
// can be read. In the service process; read() and write() block.
//
// A file is used only where everything is as it was when it was written: the program itself, what the image was made of
// (each file by size, inode and time of change, FileStamp) and how; and where its digest is right, which finds what a
// disk or a crash has done to it. What an image says is believed, as the program itself is: whoever can write the
// folder can have anything answered. So neither the folder nor a file in it may be writable, or owned, by others than
// root and the user of the process.
//
//     "swagkept" | version:32 | meta size:32 | image size:64 | SHA-256 of what follows | meta (text) | image
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/descriptor.h"
#include "core/file_stamp.h"
#include "core/result.h"
#include "core/shm/segment.h"

namespace swage::images {

// A file that an image was made of, as it was.
struct Source {
  std::string path;
  FileStamp stamp;
};

class ImageFolder {
 public:
  explicit ImageFolder(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const { return path_; }

  // The image that was written for `name` (what it is of, and how it is made), where it is still good; nullopt where
  // there is none, or it was made of something else. An Error where the folder or the file may not be believed, or the
  // file is damaged: as if there were none, then.
  [[nodiscard]] Result<std::optional<shm::Segment>> read(const std::string& name) const;
  // Replaces the file of `name`, as a whole or not at all.
  [[nodiscard]] Result<> write(const std::string& name, const std::vector<Source>& sources, Bytes image) const;

  // Of `name`, within the folder.
  [[nodiscard]] static std::string file_name(const std::string& name);

 private:
  [[nodiscard]] Result<Descriptor> open_folder() const;

  std::string path_;
};

}  // namespace swage::images
