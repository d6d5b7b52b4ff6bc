#include "core/shm/challenge_keeper.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "core/counted.h"
#include "core/log.h"
#include "core/shm/table.h"

namespace swage::shm {
namespace {

constexpr int kLockTries = 60;  // 3 s: the processes of a server that was killed go at once
constexpr std::chrono::milliseconds kLockPause{50};

struct Inode {
  dev_t device = 0;
  ino_t number = 0;
  bool operator==(const Inode&) const = default;
};

Inode inode_of(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? Inode{status.st_dev, status.st_ino} : Inode{};
}

Inode inode_of(const Segment& segment) {
  struct stat status{};
  return segment.exists() && fstat(segment.fd(), &status) == 0 ? Inode{status.st_dev, status.st_ino} : Inode{};
}

bool is_memory(const Segment& segment) { return fcntl(segment.fd(), F_GET_SEALS) >= 0 && inode_of(segment) != Inode{}; }

Result<> lock(int fd, const std::string& path) {
  for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; ++tries) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail("{}: cannot be locked: {}", path, std::strerror(errno));
    if (tries == kLockTries) return fail("{}: another process uses it", path);
    std::this_thread::sleep_for(kLockPause);
  }
  return {};
}

// Owns `fd` from now on. What is wrong with the file is said with its name.
Result<Segment> attach_file(int fd, const std::string& path) {
  Result<Segment> segment = Segment::attach(fd, Segment::Access::write);
  if (!segment) return fail("{}: {}", path, segment.error().text());
  return segment;
}

Result<> copy(Segment& from, Segment& to, std::int64_t now, bool for_good) {
  if (!from.exists() || !table::check_identity(from.bytes())) return {};
  TableWriter target(to.writable_bytes());
  const auto copied = TableWriter(from.writable_bytes()).copy_to(target, now, for_good);
  if (!copied) return fail("challenges cannot be taken over: {}", to_string(copied.error()));
  return {};
}

}  // namespace

// The memory is of the right kind already: no other is needed.
bool ChallengeKeeper::is_what_we_want(const Segment& segment) const {
  if (!segment.exists() || !table::check_identity(segment.bytes())) return false;
  if (Table(segment.bytes()).capacity() != settings_.capacity) return false;
  if (settings_.path.empty()) return is_memory(segment);
  return inode_of(segment) == inode_of(settings_.path) || inode_of(segment) == inode_of(new_path());
}

// The file of an earlier server, locked and restored; none where there is no file.
Result<Segment> ChallengeKeeper::open_file() const {
  const std::string& path = settings_.path;
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return Segment();
  if (fd < 0) return fail("{}: {}", path, std::strerror(errno));
  struct stat status{};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    return fail("{}: not a regular file", path);
  }
  TRY(Segment segment, attach_file(fd, path));
  TRY(lock(segment.fd(), path));
  if (const Result<> sound = table::check_identity(segment.bytes()); !sound) {
    return fail("{}: not a usable store of challenges: {}; move it away to begin with an empty one", path,
                sound.error().text());
  }
  static_cast<void>(TableWriter::restore(segment.writable_bytes()));
  return segment;
}

// An empty table: in memory, or as PATH.new.
Result<Segment> ChallengeKeeper::create() const {
  const std::size_t size = TableWriter::bytes_needed(settings_.capacity);
  Segment segment;
  if (settings_.path.empty()) {
    TRY(segment, Segment::create("swage " + memory_->name(), size));
    TRY(segment.fix_size());
  } else {
    const std::string path = new_path();
    unlink(path.c_str());
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return fail("{}: {}", path, std::strerror(errno));
    // All of it now: a full disk is an error here, and would be a SIGBUS later.
    if (const int error = posix_fallocate(fd, 0, static_cast<off_t>(size)); error != 0) {
      ::close(fd);
      unlink(path.c_str());
      return fail("{}: {} bytes: {}", path, size, std::strerror(error));
    }
    TRY(segment, attach_file(fd, path));
    TRY(lock(segment.fd(), path));
  }
  TableWriter::format(segment.writable_bytes(), settings_.capacity, seed_);
  return segment;
}

Result<> ChallengeKeeper::prepare(std::int64_t now) {
  if (is_what_we_want(memory_->segment())) return {};
  if (memory_->provided()) return fail("{} are kept by another server block, in another way", memory_->name());
  if (!memory_->lasts() && !settings_.path.empty()) {  // swage -check
    const int fd = ::open(settings_.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) return {};
    if (fd < 0) return fail("{}: {}", settings_.path, std::strerror(errno));
    Result<Segment> file = Segment::attach(fd, Segment::Access::read);
    const Result<> sound = file ? table::check_identity(file->bytes()) : std::unexpected(std::move(file).error());
    if (!sound) return fail("{}: not a usable store of challenges: {}", settings_.path, sound.error().text());
    return {};
  }

  if (memory_->exists()) {
    if (const Result<> sound = table::check_identity(memory_->bytes()); !sound) {
      log::error("{}: {}; begun anew", memory_->name(), sound.error().text());
    }
    TRY(before_, memory_->segment().again(Segment::Access::write));
  }
  Segment file;
  // Where the memory is that very file, this process has it open already.
  if (!settings_.path.empty() && (!before_.exists() || inode_of(before_) != inode_of(settings_.path))) {
    TRY(file, open_file());
  }
  if (!is_what_we_want(file)) {
    TRY(Segment made, create());
    TRY(copy(file, made, now, false));
    file = std::move(made);
  }
  TRY(copy(before_, file, now, false));
  TableWriter writer(file.writable_bytes());
  if (writer.lifetime() == 0) writer.set_lifetime(settings_.lifetime);
  return memory_->provide(std::move(file));
}

Result<> ChallengeKeeper::enforce(std::int64_t now) {
  if (!memory_->exists()) return {};
  TableWriter(memory_->writable_bytes()).set_lifetime(settings_.lifetime);
  if (before_.exists()) {
    TRY(Segment target, memory_->segment().again(Segment::Access::write));
    TRY(copy(before_, target, now, true));
    before_ = Segment();
  }
  if (settings_.path.empty() || inode_of(memory_->segment()) != inode_of(new_path())) return {};
  if (std::rename(new_path().c_str(), settings_.path.c_str()) != 0) {
    return fail("{}: cannot be renamed to {}: {}", new_path(), settings_.path, std::strerror(errno));
  }
  return {};
}

std::string ChallengeKeeper::description(std::int64_t now) const {
  const Table table(memory_->bytes());
  return fmt::format("{} of {}, in {}", counted(table.count_live(now), "peer"), table.capacity(),
                     settings_.path.empty() ? "memory" : settings_.path);
}

}  // namespace swage::shm
