#include "core/certificates/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/new_file.h"
#include "core/whole_file.h"

namespace swage::certificates {
namespace {

constexpr std::size_t kMaxStateFile = 256 << 10;  // bytes

std::unexpected<Error> system_error(const std::string& path) { return fail("{}: {}", path, std::strerror(errno)); }

}  // namespace

Result<> StateFolder::make() const {
  if (mkdir(path_.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return system_error(path_);
}

Result<std::optional<crypto::Secret>> StateFolder::read(const std::string& name) const {
  const std::string path = path_of(name);
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) return std::nullopt;
  TRY(InputFile file, InputFile::open(path));
  if (file.size() > kMaxStateFile) return fail("{}: has more than {} bytes", path, kMaxStateFile);
  crypto::Secret content(file.size());
  TRY(const std::size_t size, file.read(content.bytes()));
  if (size < file.size()) return fail("{}: was cut short while it was read", path);
  return content;
}

Result<> StateFolder::write(const std::string& name, Bytes content, mode_t mode) const {
  return write_whole_file(path_of(name), content, mode);
}

Result<> StateFolder::write_new(const std::string& name, Bytes content) const {
  return write_first_file(path_of(name), content);
}

Result<> StateFolder::remove(const std::string& name) const {
  if (unlink(path_of(name).c_str()) == 0 || errno == ENOENT) return {};
  return system_error(path_of(name));
}

Result<std::optional<Descriptor>> StateFolder::lock(const std::string& name) const {
  const std::string path = path_of(name);
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.exists()) return system_error(path);
  if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno == EWOULDBLOCK) return std::nullopt;
  return system_error(path);
}

}  // namespace swage::certificates
