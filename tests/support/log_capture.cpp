#include "tests/support/log_capture.h"

#include <sys/mman.h>
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
  log::flush();
  std::fflush(stdout);
  CHECK(dup2(before_, STDOUT_FILENO) >= 0);
  close(before_);
  close(memory_);
}

std::string LogCapture::take() {
  log::flush();
  std::string text(static_cast<std::size_t>(lseek(memory_, 0, SEEK_END)), '\0');
  CHECK(pread(memory_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  CHECK(ftruncate(memory_, 0) == 0 && lseek(memory_, 0, SEEK_SET) == 0);
  return text;
}

}  // namespace swage::tests
