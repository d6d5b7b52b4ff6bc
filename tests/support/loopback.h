// Room for tests on this machine: ports of the loopback addresses, and folders for temporary files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/net.h"

namespace swage::tests {

// A port that is free for UDP and TCP, and that no other test on this machine is given while the object lives: many
// test programs run at the same time. It lies below the range from which the kernel takes ports of clients.
class Port {
 public:
  Port();  // ends the process if there is none left
  ~Port();
  Port(Port&& other) noexcept : number_(other.number_), lock_(other.lock_) { other.lock_ = -1; }
  Port& operator=(Port&&) = delete;

  [[nodiscard]] std::uint16_t number() const { return number_; }
  [[nodiscard]] Endpoint v4() const;  // 127.0.0.1:number
  [[nodiscard]] Endpoint v6() const;  // [::1]:number

 private:
  std::uint16_t number_ = 0;
  int lock_ = -1;
};

// 127.0.0.1 or ::1 with a port.
[[nodiscard]] Endpoint loopback(std::uint16_t port);
[[nodiscard]] Endpoint loopback_v6(std::uint16_t port);

// An empty folder below $SWAGE_BUILD/tmp (or /tmp), removed in the end unless SWAGE_KEEP is set in the environment.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  // Writes a file of the folder; returns its path.
  [[nodiscard]] std::string write(std::string_view name, std::string_view text) const;

 private:
  std::string path_;
};

[[nodiscard]] std::string read_file(const std::string& path);  // empty if it cannot be read

}  // namespace swage::tests
