// ControlSocket: the Unix socket at which operators ask (core/control): the supervisor opens it and keeps it, and the
// service process in force accepts from it. Its user alone, and root, may connect.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/descriptor.h"
#include "core/result.h"

namespace swage::server {

class ControlSocket {
 public:
  static constexpr const char* kUsual = "/run/swage/control";

  ControlSocket() = default;  // none
  ~ControlSocket();           // removes it, if it is still ours
  ControlSocket(ControlSocket&& other) noexcept;
  ControlSocket& operator=(ControlSocket&& other) noexcept;

  // `where`: a path, "none", or empty: kUsual, where its folder is one to write to; what goes wrong there is a warning.
  // A socket that a server has left behind gives way; one that somebody listens at, or anything else, is an Error.
  [[nodiscard]] static Result<ControlSocket> open(const std::string& where);

  // The one of another supervisor, whose place this one takes.
  [[nodiscard]] static ControlSocket taken_over(std::string path, Descriptor socket);
  // From now on the file is removed with this: not before the one that had it has left.
  void own_file();
  void leave() { path_.clear(); }  // it is the other's from now on

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool exists() const { return socket_.exists(); }
  [[nodiscard]] const Descriptor& socket() const { return socket_; }

 private:
  [[nodiscard]] static Result<ControlSocket> open_at(const std::string& path);

  std::string path_;
  Descriptor socket_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace swage::server
