// NewFile: a file that takes its place as a whole. It is written under another name beside it, is put on disk, and
// gets its name then: a reader, or a crash or a power failure at any time, finds the old file or the new one, never a
// part. The one place that does so. Blocks. Errors are "PATH: why".
#pragma once

#include <sys/types.h>

#include <string>

#include "core/bytes.h"
#include "core/descriptor.h"
#include "core/result.h"

namespace swage {

class NewFile {
 public:
  // For files that several may write at the same time: ".NAME.XXXXXX" in the folder, which nobody can have opened
  // before. Of this mode, whatever the umask is.
  [[nodiscard]] static Result<NewFile> create(std::string path, mode_t mode = 0600);
  // For files of which one process writes one at a time, as large ones: "NAME.new", which takes the place of what a
  // process has left that was killed; an Error where another one writes it now. Of this mode but for the umask.
  [[nodiscard]] static Result<NewFile> create_alone(std::string path, mode_t mode);

  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();  // removes what has not been put in its place

  [[nodiscard]] Result<> write(Bytes bytes);
  [[nodiscard]] int descriptor() const { return file_.get(); }
  // Where root writes into the folder of another user. What others may not have belongs to them before it is written.
  [[nodiscard]] Result<> give_to_owner_of_folder();

  // In the place of the file that has the name, if one does. On disk on return.
  [[nodiscard]] Result<> replace();
  // The same, but a file that has the name keeps it: of several that are made at the same time, the first stays.
  [[nodiscard]] Result<> place_if_none();

  // Of the file that has taken its place, also where the folder could not be put on disk; else none.
  [[nodiscard]] Descriptor release();

 private:
  NewFile(std::string path, std::string made, Descriptor file)
      : path_(std::move(path)), made_(std::move(made)), file_(std::move(file)) {}
  [[nodiscard]] std::unexpected<Error> error() const;
  [[nodiscard]] Result<> sync_folder() const;

  std::string path_, made_;  // made_ is empty when it has its name
  Descriptor file_;
};

// All of it at once, by create() and replace().
[[nodiscard]] Result<> write_whole_file(const std::string& path, Bytes content, mode_t mode = 0600);
// Or as place_if_none().
[[nodiscard]] Result<> write_first_file(const std::string& path, Bytes content);

// "." where the path has none.
[[nodiscard]] std::string folder_of(const std::string& path);

}  // namespace swage
