#include "core/new_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace swage {
namespace {

std::unexpected<Error> system_error(const std::string& path) { return fail("{}: {}", path, std::strerror(errno)); }

bool is_same(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

}  // namespace

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

Result<NewFile> NewFile::create(std::string path, mode_t mode) {
  const std::size_t name = path.rfind('/') + 1;  // npos + 1 is 0
  std::string made = path.substr(0, name) + "." + path.substr(name) + ".XXXXXX";
  NewFile file(std::move(path), "", Descriptor(mkostemp(made.data(), O_CLOEXEC)));  // of mode 0600
  if (!file.file_.exists()) return file.error();
  file.made_ = std::move(made);
  if (mode != 0600 && fchmod(file.file_.get(), mode) != 0) return file.error();
  return file;
}

Result<NewFile> NewFile::create_alone(std::string path, mode_t mode) {
  const std::string made = path + ".new";
  while (true) {
    Descriptor file(::open(made.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode));
    if (!file.exists()) return system_error(made);
    if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      return errno == EWOULDBLOCK ? fail("{}: another process is writing it", made) : system_error(made);
    }
    struct stat opened{}, named{};
    if (fstat(file.get(), &opened) != 0) return system_error(made);
    if (!S_ISREG(opened.st_mode)) return fail("{}: is not a regular file", made);
    // Put in its place by the other process before it was locked: it is the file of that name now.
    if (stat(made.c_str(), &named) != 0 || !is_same(opened, named)) continue;
    if (ftruncate(file.get(), 0) != 0) return system_error(made);
    return NewFile(std::move(path), made, std::move(file));
  }
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)), made_(std::exchange(other.made_, "")), file_(std::move(other.file_)) {}

NewFile::~NewFile() {
  if (!made_.empty()) unlink(made_.c_str());
}

std::unexpected<Error> NewFile::error() const { return system_error(path_); }

Result<> NewFile::write(Bytes bytes) {
  if (!write_all(file_.get(), bytes)) return error();
  return {};
}

Result<> NewFile::give_to_owner_of_folder() {
  struct stat status{};
  if (geteuid() != 0) return {};
  if (stat(folder_of(path_).c_str(), &status) != 0 || fchown(file_.get(), status.st_uid, status.st_gid) != 0) {
    return error();
  }
  return {};
}

Result<> NewFile::replace() {
  if (fsync(file_.get()) != 0 || std::rename(made_.c_str(), path_.c_str()) != 0) return error();
  made_.clear();
  return sync_folder();
}

Result<> NewFile::place_if_none() {
  if (fsync(file_.get()) != 0 || (link(made_.c_str(), path_.c_str()) != 0 && errno != EEXIST)) return error();
  unlink(made_.c_str());
  made_.clear();
  return sync_folder();
}

Descriptor NewFile::release() { return made_.empty() ? std::move(file_) : Descriptor(); }

// So that the name is on disk, too.
Result<> NewFile::sync_folder() const {
  const std::string folder = folder_of(path_);
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.exists() || fsync(opened.get()) != 0) return system_error(folder);
  return {};
}

Result<> write_whole_file(const std::string& path, Bytes content, mode_t mode) {
  TRY(NewFile file, NewFile::create(path, mode));
  TRY(file.write(content));
  return file.replace();
}

Result<> write_first_file(const std::string& path, Bytes content) {
  TRY(NewFile file, NewFile::create(path));
  TRY(file.write(content));
  return file.place_if_none();
}

}  // namespace swage
