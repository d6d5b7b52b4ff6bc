#include "core/forge/challenge_keeper.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "core/counted.h"
#include "core/descriptor.h"
#include "core/log.h"
#include "core/shm/table.h"

namespace swage::forge {
namespace {

constexpr int kLockTries = 60;  // 3 s: the processes of a server that was killed go at once
constexpr std::chrono::milliseconds kLockPause{50};
constexpr int kNewFiles = 4;  // that may be made at the same time
// For a table that dns processes are to take instead of another, while they serve, before anything is put into it. They
// take it within one turn of their loops.
constexpr std::chrono::milliseconds kArrival{20};

struct Inode {
  dev_t device = 0;
  ino_t number = 0;
  bool operator==(const Inode&) const = default;
};

Inode inode_of(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? Inode{status.st_dev, status.st_ino} : Inode{};
}

Inode inode_of(const shm::Mapping& memory) {
  struct stat status{};
  return memory.exists() && fstat(memory.descriptor().get(), &status) == 0 ? Inode{status.st_dev, status.st_ino}
                                                                           : Inode{};
}

Result<> lock(int fd, const std::string& path) {
  for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; ++tries) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail("{}: cannot be locked: {}", path, std::strerror(errno));
    if (tries == kLockTries) return fail("{}: another process uses it", path);
    std::this_thread::sleep_for(kLockPause);
  }
  return {};
}

std::string folder_of(const std::string& path) {
  const std::string above = std::filesystem::path(path).parent_path().string();
  return above.empty() ? "." : above;
}

// Why no file can be made there; the folder is named where it is the reason.
Error no_store_at(const std::string& path, int error) {
  const std::string folder = folder_of(path);
  const bool is_folder = access(folder.c_str(), W_OK | X_OK) != 0;
  return Error(fmt::format("{}: no store can be made there: {}{}", path, is_folder ? folder + ": " : "",
                           std::strerror(is_folder ? errno : error)));
}

// As a Mapping, to be read, or as a Segment. What is wrong with the file is said with its name.
template <typename Memory>
Result<Memory> attach_file(Descriptor file, const std::string& path) {
  Result<Memory> memory = Memory::attach(std::move(file));
  if (!memory) return fail("{}: {}", path, memory.error().text());
  return memory;
}

Result<> check_file(const shm::Mapping& file, const std::string& path) {
  if (const Result<> sound = shm::table::check_identity(file.bytes()); !sound) {
    return fail("{}: not a usable store of challenges: {}; move it away to begin with an empty one", path,
                sound.error().text());
  }
  if (shm::Table(file.bytes()).clock() != shm::Clock::wall) {
    return fail("{}: not a usable store of challenges: its times are of another clock", path);
  }
  return {};
}

// Writes to a copy of `file`'s descriptor. A file that cannot be written is reported once; answers come from
// memory.
Result<shm::TableWriter::Mirror> mirror_in(const shm::Mapping& file, const std::string& path) {
  Result<Descriptor> duplicate = file.descriptor().duplicate();
  if (!duplicate) return fail("{}: {}", path, duplicate.error().text());
  const auto copy = std::make_shared<Descriptor>(*std::move(duplicate));
  return [copy, path, failed = false](std::uint64_t offset, Bytes bytes) mutable {
    while (!bytes.empty()) {
      const ssize_t written = pwrite(copy->get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        if (!std::exchange(failed, true)) {
          log::error("{}: cannot be written: {}; challenges may not outlive the server", path, std::strerror(errno));
        }
        return;
      }
      offset += static_cast<std::uint64_t>(written);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  };
}

}  // namespace

// `swage -check`: what would stand in the way, without making or changing anything.
Result<> ChallengeKeeper::check_only() const {
  const std::string& path = settings_.path;
  const std::string folder = folder_of(path);
  if (access(folder.c_str(), W_OK | X_OK) != 0) return std::unexpected(no_store_at(path, errno));
  Descriptor opened(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!opened.exists() && errno != ENOENT) return fail("{}: {}", path, std::strerror(errno));
  if (opened.exists()) {
    TRY(const shm::Mapping file, attach_file<shm::Mapping>(std::move(opened), path));
    TRY(check_file(file, path));
    if (flock(file.descriptor().get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return fail("{}: cannot be locked: {}", path, std::strerror(errno));
      log::info("{}: in use: by the server that is running, it seems", path);
    }
  }
  struct statvfs room{};
  const std::uint64_t size = shm::TableWriter::bytes_needed(settings_.capacity);
  if (statvfs(folder.c_str(), &room) == 0 && room.f_bavail * room.f_frsize < size) {  // a new file is made each time
    return fail("{}: {} bytes are needed, and {} are free", path, size, room.f_bavail * room.f_frsize);
  }
  return {};
}

// The file of an earlier server, locked; none where there is no file.
Result<shm::Mapping> ChallengeKeeper::open_file() const {
  const std::string& path = settings_.path;
  while (true) {
    Descriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd.exists() && errno == ENOENT) return shm::Mapping();
    if (!fd.exists()) return fail("{}: {}", path, std::strerror(errno));
    struct stat status{};
    if (fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return fail("{}: not a regular file", path);
    if (status.st_size == 0) {  // after a power failure, say
      log::warning("{}: an empty file, which is not a store of challenges; begun anew", path);
      return shm::Mapping();
    }
    TRY(lock(fd.get(), path));
    if (inode_of(path) != Inode{status.st_dev, status.st_ino}) continue;  // another one was renamed to it meanwhile
    TRY(shm::Mapping file, attach_file<shm::Mapping>(std::move(fd), path));
    TRY(check_file(file, path));
    return file;
  }
}

// What is live of the file, then of the store before, which is newer.
Result<> ChallengeKeeper::fill(shm::TableWriter& table, const shm::Moment& now) {
  std::uint64_t without_room = 0;
  if (old_file_.exists())
    without_room += table.take_over(shm::Table(old_file_.bytes()), now, shm::TableWriter::Room::free);
  without_room += table.take_over(shm::Table(memory_.store->bytes()), now, shm::TableWriter::Room::free);
  if (without_room != 0) {
    return fail("challenges cannot be taken over: {} no room among {}", counted(without_room, "peer has", "peers have"),
                settings_.capacity);
  }
  return {};
}

// A file beside the store that no other process has: PATH.new, or with a number where a service process that is to
// replace another, and one of a new configuration, make theirs at the same time. What nobody has locked was left by one
// that ended.
Result<Descriptor> ChallengeKeeper::new_file() {
  for (int number = 1; number <= kNewFiles; ++number) {
    new_path_ = settings_.path + (number == 1 ? ".new" : fmt::format(".new{}", number));
    const Descriptor left(::open(new_path_.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (left.exists() && flock(left.get(), LOCK_EX | LOCK_NB) != 0) continue;
    unlink(new_path_.c_str());
    Descriptor fd(::open(new_path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd.exists() && errno == EEXIST) continue;
    if (!fd.exists()) return std::unexpected(no_store_at(settings_.path, errno));
    TRY(lock(fd.get(), new_path_));
    return fd;
  }
  return fail("{}: other processes make it at the same time", new_path_);
}

// A new file of the size of the table, all of which is there: a full disk is an error here, and not later.
Result<> ChallengeKeeper::make_file(shm::TableWriter& table) {
  TRY(Descriptor fd, new_file());
  const std::string& path = new_path_;
  const std::size_t size = made_.bytes().size();
  if (const int error = posix_fallocate(fd.get(), 0, static_cast<off_t>(size)); error != 0) {
    unlink(path.c_str());
    return fail("{}: {} bytes: {}", path, size, std::strerror(error));
  }
  TRY(new_file_, attach_file<shm::Segment>(std::move(fd), path));
  TRY(shm::TableWriter::Mirror mirror, mirror_in(new_file_, settings_.path));
  table.mirror_to(std::move(mirror));
  if (fdatasync(new_file_.descriptor().get()) != 0) return fail("{}: {}", path, std::strerror(errno));
  return {};
}

Result<> ChallengeKeeper::prepare(const shm::Moment& now) {
  shm::Shared& store = *memory_.store;
  if (const ChallengeWriter* const other = writer()) {  // of another server block, or of this one, asked twice
    if (other->capacity == settings_.capacity && other->path == settings_.path) return {};
    return fail("{} are kept by another server block, in another way", store.name());
  }
  if (!store.lasts() && !settings_.path.empty()) return check_only();

  made_ = shm::Segment();  // of an attempt that failed
  new_file_ = shm::Segment();
  old_file_ = shm::Mapping();
  bool first = !store.exists();
  if (!first) {
    if (const Result<> sound = shm::table::check_identity(store.bytes()); !sound) {
      log::error("{}: {}; begun anew", store.name(), sound.error().text());
      store.replace(shm::Mapping());
      first = true;
    }
  }
  if (!settings_.path.empty() && inode_of(memory_.file->memory()) != inode_of(settings_.path)) {
    TRY(old_file_, open_file());
  }
  Seed seed = seed_;
  for (const shm::Mapping* const from : {&std::as_const(old_file_), &store.memory()}) {
    if (from->exists()) std::memcpy(&seed, from->bytes().data() + offsetof(shm::table::Identity, seed), seed.size());
  }
  TRY(made_, shm::Segment::create("swage " + store.name(), shm::TableWriter::bytes_needed(settings_.capacity)));
  shm::TableWriter::format(made_.writable_bytes(), settings_.capacity, seed);
  auto writer = std::make_unique<ChallengeWriter>();
  writer->table = shm::TableWriter(made_.writable_bytes());
  writer->table.set_lifetime(settings_.lifetime);
  writer->path = settings_.path;
  writer->capacity = settings_.capacity;
  TRY(fill(writer->table, now));
  if (!settings_.path.empty()) TRY(make_file(writer->table));
  store.set_companion(std::move(writer));
  if (first) return put_in_force();
  return {};
}

// From now on the table is the store. The gate comes first: should this process end in between, its successor finds the
// store before, which is closed, and not a new one whose gate is another's.
Result<> ChallengeKeeper::put_in_force() {
  TRY(shm::Segment gate, shm::Gate::create("swage " + memory_.gate->name()));
  TRY(memory_.gate->provide(std::move(gate)));
  TRY(memory_.store->provide(std::move(made_)));
  writer()->gate = shm::Gate(memory_.gate->writable_bytes());
  writer()->in_force = true;
  return {};
}

Result<> ChallengeKeeper::enforce(const shm::Moment& now) {
  if (writer() == nullptr) return {};
  if (made_.exists()) {
    if (memory_.gate->exists()) {
      TRY(gate_before_, shm::Segment::again(memory_.gate->memory()));
      shm::Gate(gate_before_.writable_bytes()).close();
    }
    const std::uint64_t lost =
        writer()->table.take_over(shm::Table(memory_.store->bytes()), now, shm::TableWriter::Room::share);
    if (lost != 0) log::error("{}: {} no room", memory_.store->name(), counted(lost, "peer has", "peers have"));
    TRY(put_in_force());
    std::this_thread::sleep_for(kArrival);
  }
  if (!new_file_.exists()) return {};
  if (inode_of(new_path_) != inode_of(new_file_)) return fail("{}: another process has replaced it", new_path_);
  if (std::rename(new_path_.c_str(), settings_.path.c_str()) != 0) {
    return fail("{}: cannot be renamed to {}: {}", new_path_, settings_.path, std::strerror(errno));
  }
  old_file_ = shm::Mapping();
  return memory_.file->provide(std::move(new_file_));
}

void ChallengeKeeper::attend(const shm::Moment& now) {
  if (!gate_before_.exists()) return;
  ChallengeStore store(*memory_.store);
  shm::Gate(gate_before_.writable_bytes()).fetch([&](Bytes key, std::string_view value, shm::NetworkId network) {
    return store.put_in_memory(key, value, network, now.wall);
  });
}

std::string ChallengeKeeper::description(const shm::Moment& now) const {
  const std::string place = settings_.path.empty() ? "memory" : settings_.path;
  const Bytes bytes = made_.exists() ? made_.bytes() : memory_.store->bytes();
  if (bytes.empty()) return fmt::format("up to {}, in {}", counted(settings_.capacity, "peer"), place);
  const shm::Table table(bytes);
  return fmt::format("{} of {}, in {}", counted(table.count_live(now.by(table.clock())), "peer"), table.capacity(),
                     place);
}

}  // namespace swage::forge
