#include "plugins/file/journal_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/new_file.h"
#include "core/whole_file.h"

namespace swage::plugins::file {
namespace {

constexpr mode_t kMode = 0640;

std::unexpected<Error> system_error(const std::string& path) { return fail("{}: {}", path, std::strerror(errno)); }

// Whether `file` is still what the path leads to.
bool is_at(const Descriptor& file, const std::string& path) {
  struct stat opened{}, named{};
  return fstat(file.get(), &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

// Of the first byte, for F_OFD_SETLK and F_OFD_GETLK.
struct flock first_byte(short type) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  return lock;
}

bool is_held(const Descriptor& file) {
  struct flock lock = first_byte(F_WRLCK);
  return file.exists() && fcntl(file.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace

void JournalFile::hold_answers() {
  while (true) {
    Descriptor file(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    struct flock lock = first_byte(F_RDLCK);
    if (!file.exists() || fcntl(file.get(), F_OFD_SETLK, &lock) != 0) return;
    if (!is_at(file, path_)) continue;  // it was replaced meanwhile
    holding_ = std::move(file);
    return;
  }
}

bool JournalFile::answers_held() const {
  const std::scoped_lock guard(mutex_);
  return is_held(file_) || std::ranges::any_of(earlier_, is_held);
}

// Takes the place of file_.
void JournalFile::use(Descriptor file, std::size_t size) {
  const std::scoped_lock guard(mutex_);
  std::erase_if(earlier_, [](const Descriptor& each) { return !is_held(each); });
  if (is_held(file_)) earlier_.push_back(std::move(file_));
  file_ = std::move(file);
  size_ = size;
  broken_ = false;
}

Result<std::optional<JournalFile::Contents>> JournalFile::read() const {
  if (access(path_.c_str(), F_OK) != 0 && errno == ENOENT) return std::nullopt;
  TRY(const std::string text, read_whole_file(path_, kMost));
  if (text.empty()) return std::nullopt;
  const auto start = update::read_start(as_bytes(text));
  if (!start) return fail("{}: {}", path_, start.error().text());
  Contents contents{*start, {}, 0, text.size()};
  const auto take = [&](update::JournalEntry entry) -> Result<> {
    contents.entries.push_back(std::move(entry));
    return {};
  };
  const auto whole = update::read_entries(as_bytes(text), take);
  if (!whole) return fail("{}: entry {}: {}", path_, contents.entries.size() + 1, whole.error().text());
  contents.whole = *whole;
  return contents;
}

Result<> JournalFile::check_access() const {
  const std::string folder = folder_of(path_);
  if (faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    const int why = errno;
    return fail("the journal {} has to be written: {}: {}", path_, folder, std::strerror(why));
  }
  if (faccessat(AT_FDCWD, path_.c_str(), R_OK | W_OK, AT_EACCESS) != 0 && errno != ENOENT) {
    return fail("the journal has to be written: {}", system_error(path_).error().text());
  }
  return {};
}

Result<bool> JournalFile::lock() {
  while (true) {
    Descriptor file(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kMode));
    if (!file.exists()) return system_error(path_);
    if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return false;
      return system_error(path_);
    }
    if (!is_at(file, path_)) continue;  // it was replaced meanwhile
    const off_t end = lseek(file.get(), 0, SEEK_END);
    if (end < 0) return system_error(path_);
    use(std::move(file), static_cast<std::size_t>(end));
    return true;
  }
}

void JournalFile::unlock() {
  static_cast<void>(flock(file_.get(), LOCK_UN));  // is_held() is still asked of it
}

Result<> JournalFile::cut(std::size_t size) {
  broken_ = ftruncate(file_.get(), static_cast<off_t>(size)) != 0 || fdatasync(file_.get()) != 0;
  if (broken_) return system_error(path_);
  size_ = size;
  return {};
}

Result<> JournalFile::append(Bytes entries) {
  if (broken_) TRY(cut(size_));
  if (size_ + entries.size() > kMost) return fail("{}: the journal has no more room", path_);
  const bool written = lseek(file_.get(), static_cast<off_t>(size_), SEEK_SET) >= 0 && write_all(file_.get(), entries);
  if (written && fdatasync(file_.get()) == 0) {
    size_ += entries.size();
    return {};
  }
  const auto error = system_error(path_);
  static_cast<void>(cut(size_));
  return error;
}

Result<> JournalFile::begin(Bytes contents) {
  TRY(NewFile file, NewFile::create_alone(path_, kMode));  // with the lock
  TRY(file.write(contents));
  Result<> replaced = file.replace();
  Descriptor placed = file.release();
  if (placed.exists()) use(std::move(placed), contents.size());  // what was there before has no name any more
  return replaced;
}

}  // namespace swage::plugins::file
