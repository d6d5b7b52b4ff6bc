#include "core/images/image_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "core/crypto/hasher.h"

namespace swage::images {
namespace {

constexpr std::array<char, 8> kMagic = {'s', 'w', 'a', 'g', 'k', 'e', 'p', 't'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMostMeta = 1 << 20;  // bytes
constexpr std::size_t kPiece = 1 << 18;     // bytes read and hashed at once: they stay in the cache

struct Header {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t meta_size;
  std::uint64_t image_size;
  std::array<std::uint8_t, 32> digest;
};
static_assert(sizeof(Header) == 56);

std::unexpected<Error> failed(const std::string& path) { return fail("{}: {}", path, std::strerror(errno)); }

std::string text_of(const FileStamp& stamp) {
  return formatted("{} {} {} {}", stamp.seconds, stamp.nanoseconds, stamp.size, stamp.inode);
}

// Another program may compile the same file otherwise.
std::string first_lines(const std::string& name) {
  return formatted("program {}\n{}\n", text_of(FileStamp::of("/proc/self/exe")), name);
}

// Whether all files are as the rest of a meta, after its first lines, says.
bool sources_are_unchanged(std::string_view rest) {
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return false;
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    const std::size_t path = line.find('/');  // a stamp has none
    if (path == std::string_view::npos) return false;
    const FileStamp now = FileStamp::of(std::string(line.substr(path)));
    if (!now.exists() || line.substr(0, path) != text_of(now) + " ") return false;
  }
  return true;
}

// As for the program itself: only its user and root may have a hand in it.
Result<> check_owner(const std::string& path, const struct stat& status) {
  if (status.st_uid != 0 && status.st_uid != geteuid()) {
    return fail("{}: belongs to user {}; expected {} or root", path, status.st_uid, geteuid());
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return fail("{}: others may write it", path);
  return {};
}

bool read_all(int fd, MutableBytes into) {
  while (!into.empty()) {
    const ssize_t size = ::read(fd, into.data(), into.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(size));
  }
  return true;
}

// Reads the image and hashes it as it comes.
bool read_image(int fd, MutableBytes image, crypto::Hasher& hasher) {
  while (!image.empty()) {
    const MutableBytes piece = image.first(std::min(image.size(), kPiece));
    if (!read_all(fd, piece)) return false;
    hasher.add(piece);
    image = image.subspan(piece.size());
  }
  return true;
}

}  // namespace

std::string ImageFolder::file_name(const std::string& name) {
  const crypto::Mac hash = crypto::Hasher(crypto::Hash::sha256).add(as_bytes(name)).finish();
  std::string text;
  for (const std::uint8_t byte : hash.bytes().first(16)) text += formatted("{:02x}", byte);
  return text + ".image";
}

Result<Descriptor> ImageFolder::open_folder() const {
  Descriptor folder(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status{};
  if (!folder.exists() || fstat(folder.get(), &status) != 0) return failed(path_);
  TRY(check_owner(path_, status));
  return folder;
}

Result<std::optional<shm::Segment>> ImageFolder::read(const std::string& name) const {
  TRY(const Descriptor folder, open_folder());
  const std::string file_name = ImageFolder::file_name(name), path = path_ + "/" + file_name;
  const Descriptor file(openat(folder.get(), file_name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.exists() && errno == ENOENT) return std::nullopt;
  struct stat status{};
  if (!file.exists() || fstat(file.get(), &status) != 0) return failed(path);
  if (!S_ISREG(status.st_mode)) return fail("{}: is not a regular file", path);
  TRY(check_owner(path, status));

  Header header{};
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const bool has_header = read_all(file.get(), MutableBytes(reinterpret_cast<std::uint8_t*>(&header), sizeof header));
  if (!has_header || header.magic != kMagic) return fail("{}: is not an image", path);
  if (header.version != kVersion) return std::nullopt;
  if (header.meta_size > kMostMeta || header.image_size == 0 || header.image_size > size ||
      size != sizeof header + header.meta_size + header.image_size) {
    return fail("{}: is cut short", path);
  }
  std::string meta(header.meta_size, '\0');
  const MutableBytes meta_bytes(reinterpret_cast<std::uint8_t*>(meta.data()), meta.size());
  if (!read_all(file.get(), meta_bytes)) return fail("{}: cannot be read", path);
  const std::string expected = first_lines(name);
  if (!meta.starts_with(expected)) return std::nullopt;
  if (!sources_are_unchanged(std::string_view(meta).substr(expected.size()))) return std::nullopt;

  TRY(shm::Segment image, shm::Segment::create("swage image", header.image_size));
  crypto::Hasher hasher(crypto::Hash::sha256);
  hasher.add(meta_bytes);
  if (!read_image(file.get(), image.writable_bytes(), hasher)) return fail("{}: cannot be read", path);
  if (!std::ranges::equal(hasher.finish().bytes(), header.digest)) return fail("{}: is damaged", path);
  return image;
}

Result<> ImageFolder::write(const std::string& name, const std::vector<Source>& sources, Bytes image) const {
  std::string meta = first_lines(name);
  for (const Source& source : sources) {
    if (!source.path.starts_with('/') || source.path.find('\n') != std::string::npos) return {};
    meta += formatted("{} {}\n", text_of(source.stamp), source.path);
  }
  if (meta.size() > kMostMeta || FileStamp::of("/proc/self/exe") == FileStamp{}) return {};
  Header header{kMagic, kVersion, static_cast<std::uint32_t>(meta.size()), image.size(), {}};
  const crypto::Mac digest = crypto::Hasher(crypto::Hash::sha256).add(as_bytes(meta)).add(image).finish();
  std::ranges::copy(digest.bytes(), header.digest.begin());

  TRY(const Descriptor folder, open_folder());
  const std::string file_name = ImageFolder::file_name(name), made = file_name + ".new", path = path_ + "/" + made;
  unlinkat(folder.get(), made.c_str(), 0);  // of one that was killed
  const Descriptor file(
      openat(folder.get(), made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file.exists()) return failed(path);
  const bool written = write_all(file.get(), Bytes(reinterpret_cast<const std::uint8_t*>(&header), sizeof header)) &&
                       write_all(file.get(), as_bytes(meta)) && write_all(file.get(), image) &&
                       renameat(folder.get(), made.c_str(), folder.get(), file_name.c_str()) == 0;
  if (written) return {};
  const auto error = failed(path);
  unlinkat(folder.get(), made.c_str(), 0);
  return error;
}

}  // namespace swage::images
