#include "core/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace swage {
namespace {

constexpr std::size_t kPiece = std::size_t{64} << 10;  // of a file that says no size, as those of /proc, or grows

std::unexpected<Error> too_large(const std::string& path, std::size_t most) {
  return fail("{}: has more than {} bytes", path, most);
}

}  // namespace

Result<InputFile> InputFile::open(std::string path) {
  // O_NONBLOCK: to open a fifo would wait for who writes to it. It means nothing for regular files.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.exists() && errno == ENXIO) return fail("{}: is not a regular file", path);  // a socket
  struct stat status{};
  if (!file.exists() || fstat(file.get(), &status) != 0) return fail("{}: {}", path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail("{}: is not a regular file", path);
  return InputFile(std::move(path), std::move(file), static_cast<std::size_t>(status.st_size), status.st_mode);
}

Result<std::size_t> InputFile::read(MutableBytes into) {
  std::size_t size = 0;
  while (size < into.size()) {
    const ssize_t count = ::read(file_.get(), into.data() + size, into.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail("{}: {}", path_, std::strerror(errno));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  return size;
}

Result<std::string> read_whole_file(const std::string& path, std::size_t most) {
  TRY(InputFile file, InputFile::open(path));
  if (file.size() > most) return too_large(path, most);
  std::string text;
  for (std::size_t size = 0; size <= most;) {
    text.resize(std::min(std::max(size + kPiece, file.size() + 1), most + 1));
    const MutableBytes room(reinterpret_cast<std::uint8_t*>(text.data()) + size, text.size() - size);
    TRY(const std::size_t count, file.read(room));
    size += count;
    if (count == room.size()) continue;
    text.resize(size);
    return text;
  }
  return too_large(path, most);
}

}  // namespace swage
