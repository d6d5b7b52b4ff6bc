// The file that -pidfile names: it holds the supervisor's process ID as long as the server serves. It may lie where
// others write, such as /tmp: what they put there is never followed, opened or written to, and only our own file is
// removed.
#pragma once

#include <string>

#include "core/descriptor.h"
#include "core/result.h"

namespace swage::server {

class Pidfile {
 public:
  // Makes the file under another name beside it, without touching one that is there. An empty path: no file, no error.
  [[nodiscard]] static Result<Pidfile> prepare(std::string path);
  // Removes the file, if it is still this process's.
  ~Pidfile();
  Pidfile(Pidfile&& other) noexcept = default;
  Pidfile& operator=(Pidfile&&) = delete;

  // Puts the process ID there, as a whole, in place of what there was: also of a symbolic link. For when the server
  // serves.
  void write();

 private:
  Pidfile() = default;
  [[nodiscard]] bool is_ours(const std::string& name) const;

  std::string path_;
  std::string temporary_;  // its name until write(); then empty
  Descriptor file_;        // kept open, so that no other file gets its inode number; none: there is no file of ours
};

}  // namespace swage::server
