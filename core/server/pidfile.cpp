#include "core/server/pidfile.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "core/bytes.h"
#include "core/log.h"

namespace swage::server {

Result<Pidfile> Pidfile::prepare(std::string path) {
  Pidfile pidfile;
  if (path.empty()) return pidfile;
  struct stat status{};
  if (lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode))
    return fail("-pidfile {}: {}", path, S_ISDIR(status.st_mode) ? "is a directory" : "is not a regular file");
  std::string name = path + ".XXXXXX";
  pidfile.file_ = Descriptor(mkostemp(name.data(), O_CLOEXEC));  // a new file, or none
  if (!pidfile.file_.exists()) return fail("-pidfile {}: {}", path, std::strerror(errno));
  pidfile.path_ = std::move(path);
  pidfile.temporary_ = std::move(name);
  const std::string text = fmt::format("{}\n", getpid());
  if (!write_all(pidfile.file_.get(), as_bytes(text)) || fchmod(pidfile.file_.get(), 0644) != 0)
    return fail("-pidfile {}: {}", pidfile.path_, std::strerror(errno));
  return pidfile;
}

void Pidfile::write() {
  if (temporary_.empty()) return;
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    log::error("-pidfile {}: {}", path_, std::strerror(errno));
  } else {
    temporary_.clear();
  }
}

Pidfile::~Pidfile() {
  for (const std::string* const name : {&temporary_, &path_}) {
    if (is_ours(*name)) unlink(name->c_str());
  }
}

bool Pidfile::is_ours(const std::string& name) const {
  struct stat ours{};
  struct stat found{};
  return file_.exists() && !name.empty() && fstat(file_.get(), &ours) == 0 && lstat(name.c_str(), &found) == 0 &&
         ours.st_dev == found.st_dev && ours.st_ino == found.st_ino;
}

}  // namespace swage::server
