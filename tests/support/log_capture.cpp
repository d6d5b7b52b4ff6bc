#include "tests/support/log_capture.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "core/log.h"
#include "core/result.h"

namespace swage::tests {

LogCapture::LogCapture() : before_(dup(STDOUT_FILENO)), memory_(memfd_create("log", MFD_CLOEXEC)) {
  log::flush();
  std::fflush(stdout);
  CHECK(before_ >= 0 && memory_ >= 0 && dup2(memory_, STDOUT_FILENO) >= 0);
}

LogCapture::~LogCapture() {
  std::fflush(stdout);
  const std::string rest = take();
  CHECK(dup2(before_, STDOUT_FILENO) >= 0);
  if (rest.find("FAILED:") != std::string::npos) std::fputs(rest.c_str(), stdout);  // Catch said it
  close(before_);
  close(memory_);
}

// Nothing is removed: the log's thread may be writing.
std::string LogCapture::take() {
  log::flush();
  struct stat status{};
  CHECK(fstat(memory_, &status) == 0);
  std::string text(static_cast<std::size_t>(status.st_size - taken_), '\0');
  CHECK(pread(memory_, text.data(), text.size(), taken_) == static_cast<ssize_t>(text.size()));
  taken_ = status.st_size;
  return text;
}

}  // namespace swage::tests
