#include "core/server/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "core/log.h"

namespace swage::server {
namespace {

constexpr int kMaxWaiting = 128;

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

Descriptor make_socket() { return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

// Whether somebody listens there.
bool is_in_use(const sockaddr_un& address) {
  const Descriptor client = make_socket();
  const auto* const where = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(client.get(), where, sizeof address) == 0 || errno == EAGAIN || errno == EACCES;
}

}  // namespace

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : path_(std::exchange(other.path_, "")),
      socket_(std::move(other.socket_)),
      device_(other.device_),
      inode_(other.inode_) {}

ControlSocket& ControlSocket::operator=(ControlSocket&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(socket_, other.socket_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  return *this;
}

ControlSocket::~ControlSocket() {
  struct stat now{};
  if (path_.empty() || lstat(path_.c_str(), &now) != 0) return;
  if (now.st_dev == device_ && now.st_ino == inode_) unlink(path_.c_str());
}

Result<ControlSocket> ControlSocket::open(const std::string& where) {
  if (where == "none") return ControlSocket();
  if (!where.empty()) return open_at(where);
  if (access(folder_of(kUsual).c_str(), W_OK) != 0) return ControlSocket();
  Result<ControlSocket> usual = open_at(kUsual);
  if (usual) return usual;
  log::warning("{}; swagectl cannot ask this server", usual.error().text());
  return ControlSocket();
}

ControlSocket ControlSocket::taken_over(std::string path, Descriptor socket) {
  ControlSocket control;
  control.path_ = std::move(path);
  control.socket_ = std::move(socket);
  return control;
}

void ControlSocket::own_file() {
  struct stat there{};
  if (path_.empty() || lstat(path_.c_str(), &there) != 0) return;
  device_ = there.st_dev;
  inode_ = there.st_ino;
}

Result<ControlSocket> ControlSocket::open_at(const std::string& path) {
  const auto failed = [&path] { return fail("-control: {}: {}", path, std::strerror(errno)); };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail("-control: the path of a Unix socket has 1 to {} bytes", sizeof address.sun_path - 1);
  }
  std::ranges::copy(path, address.sun_path);
  struct stat there{};
  if (lstat(path.c_str(), &there) == 0) {
    if (!S_ISSOCK(there.st_mode)) return fail("-control: {} is there, and is not a socket", path);
    if (is_in_use(address)) return fail("-control: {} is in use by another server", path);
    if (unlink(path.c_str()) != 0) return failed();
  }
  ControlSocket made;
  Descriptor socket = make_socket();
  const mode_t before = umask(S_IRWXG | S_IRWXO | S_IXUSR);
  const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  umask(before);
  if (bound != 0 || lstat(path.c_str(), &there) != 0) return failed();
  made.path_ = path;
  made.device_ = there.st_dev;
  made.inode_ = there.st_ino;
  if (::listen(socket.get(), kMaxWaiting) != 0) return failed();
  made.socket_ = std::move(socket);
  return made;
}

}  // namespace swage::server
