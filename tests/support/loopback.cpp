#include "tests/support/loopback.h"

#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

#include <fmt/format.h>

#include "core/result.h"

namespace swage::tests {
namespace {

constexpr std::uint16_t kFirst = 20000;  // Linux takes clients' ports from 32768 upwards
constexpr std::uint16_t kLast = 32000;

bool can_bind(const Endpoint& endpoint, int type) {
  const int socket = ::socket(endpoint.address.is_v6() ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
  if (socket < 0) return true;  // no IPv6 on this machine
  const int yes = 1;
  // As servers do: what is in TIME_WAIT does not count.
  if (type == SOCK_STREAM) setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_storage address;
  const socklen_t length = endpoint.to_sockaddr(address);
  const bool bound = bind(socket, reinterpret_cast<const sockaddr*>(&address), length) == 0;
  const bool available = bound || errno == EADDRNOTAVAIL;
  close(socket);
  return available;
}

// A socket in the abstract namespace, whose name only one process can own. It ends with the process, and belongs to the
// same network namespace as the port.
int lock(std::uint16_t port) {
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CHECK(socket >= 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = fmt::format("swage-test-port-{}", port);
  name.copy(address.sun_path + 1, name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (bind(socket, reinterpret_cast<const sockaddr*>(&address), length) == 0) return socket;
  close(socket);
  return -1;
}

bool is_free(std::uint16_t port) {
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    if (!can_bind({IpAddress(), port}, type) || !can_bind(loopback_v6(port), type)) return false;
  }
  return true;
}

}  // namespace

Port::Port() {
  std::random_device random;
  std::uniform_int_distribution<int> any(kFirst, kLast);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    number_ = static_cast<std::uint16_t>(any(random));
    lock_ = lock(number_);
    if (lock_ < 0) continue;
    if (is_free(number_)) return;
    close(lock_);
  }
  CHECK(false && "no free port");
}

Port::~Port() {
  if (lock_ >= 0) close(lock_);
}

Endpoint Port::v4() const { return loopback(number_); }

Endpoint Port::v6() const { return loopback_v6(number_); }

Endpoint loopback(std::uint16_t port) {
  const std::array<std::uint8_t, 4> address{127, 0, 0, 1};
  return {.address = IpAddress::v4(address), .port = port};
}

Endpoint loopback_v6(std::uint16_t port) {
  std::array<std::uint8_t, 16> address{};
  address.back() = 1;
  return {.address = IpAddress::v6(address), .port = port};
}

Folder::Folder() {
  const char* build = std::getenv("SWAGE_BUILD");
  const std::string parent = build == nullptr ? "/tmp" : std::string(build) + "/tmp";
  std::error_code ignored;
  std::filesystem::create_directories(parent, ignored);
  path_ = parent + "/test-XXXXXX";
  CHECK(mkdtemp(path_.data()) != nullptr);
  path_ = std::filesystem::absolute(path_).string();
}

Folder::~Folder() {
  std::error_code ignored;
  if (std::getenv("SWAGE_KEEP") == nullptr) std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(std::string_view name, std::string_view text) const {
  std::ofstream(file(name), std::ios::binary) << text;
  return file(name);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();  // what fails, as the files of a process that has just ended do, leaves the text empty
  return text.str();
}

}  // namespace swage::tests
