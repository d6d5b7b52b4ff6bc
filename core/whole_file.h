// Files of the operator's, from the first byte to the last: what is in the Corefile, zones, lists, certificates,
// secrets. Regular files only: a folder, a fifo, a socket or a device is an Error and not waited for. Errors are "PATH:
// why".
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "core/bytes.h"
#include "core/descriptor.h"
#include "core/result.h"

namespace swage {

// A regular file that is open for reading, from its start.
class InputFile {
 public:
  [[nodiscard]] static Result<InputFile> open(std::string path);

  // Reads on, until `into` is full or the file is at its end. Gives the number of bytes. Nothing is buffered here: what
  // is read is in `into` alone, which may be a crypto::Secret's.
  [[nodiscard]] Result<std::size_t> read(MutableBytes into);

  // As the file was when it was opened; others may write to it meanwhile.
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] mode_t mode() const { return mode_; }

 private:
  InputFile(std::string path, Descriptor file, std::size_t size, mode_t mode)
      : path_(std::move(path)), file_(std::move(file)), size_(size), mode_(mode) {}

  std::string path_;
  Descriptor file_;
  std::size_t size_;
  mode_t mode_;
};

// All of a file of at most `most` bytes.
[[nodiscard]] Result<std::string> read_whole_file(const std::string& path, std::size_t most);

}  // namespace swage
