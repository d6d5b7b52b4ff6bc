#include "core/server/pidfile.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/log.h"

namespace swage::server {
namespace {

std::string text() { return fmt::format("{}\n", getpid()); }
std::string beside(const std::string& path) { return fmt::format("{}.{}", path, getpid()); }

}  // namespace

Result<Pidfile> Pidfile::prepare(std::string path) {
  if (path.empty()) return Pidfile(std::move(path));
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return fail("-pidfile {}: is a directory", path);
  std::ofstream file(beside(path));
  file << text() << std::flush;
  if (!file) return fail("-pidfile {}: {}", path, std::strerror(errno));
  return Pidfile(std::move(path));
}

void Pidfile::write() const {
  if (path_.empty()) return;
  if (std::rename(beside(path_).c_str(), path_.c_str()) != 0)
    log::error("-pidfile {}: {}", path_, std::strerror(errno));
}

Pidfile::~Pidfile() {
  if (path_.empty()) return;
  unlink(beside(path_).c_str());
  std::ifstream file(path_);
  std::string found;
  if (std::getline(file, found) && found + "\n" == text()) unlink(path_.c_str());
}

}  // namespace swage::server
