// The file that -pidfile names: it holds the supervisor's process ID as long as the server serves.
#pragma once

#include <string>

#include "core/result.h"

namespace swage::server {

class Pidfile {
 public:
  // Finds out whether the file can be written, without touching one that is there. An empty path: no file, no error.
  [[nodiscard]] static Result<Pidfile> prepare(std::string path);
  // Removes the file, if it is still this process's.
  ~Pidfile();
  Pidfile(Pidfile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Pidfile& operator=(Pidfile&&) = delete;

  // Puts the process ID there, as a whole, in place of what there was. For when the server serves.
  void write() const;

 private:
  explicit Pidfile(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace swage::server
