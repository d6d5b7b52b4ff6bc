#include "core/server/port_owner.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "core/text.h"

namespace swage::server {
namespace {

namespace fs = std::filesystem;

// "0100007F:0035": the address's 32-bit words as this machine has them, then the port.
std::optional<Endpoint> parse_hex(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  Endpoint endpoint;
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t at = 0; at < colon; at += 8) {
    std::uint32_t word = 0;
    std::from_chars(&text[at], &text[at] + 8, word, 16);
    std::memcpy(&bytes[at / 2], &word, sizeof word);
  }
  endpoint.address = colon == 8 ? IpAddress::v4({bytes.data(), 4}) : IpAddress::v6(bytes);
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), endpoint.port, 16);
  return endpoint;
}

bool meet(const Endpoint& a, const Endpoint& b) {
  if (a.port != b.port) return false;
  // A socket of [::] may take IPv4, too.
  if (a.address.is_v6() != b.address.is_v6()) return (a.address.is_v6() ? a : b).address.is_unspecified();
  return a.address == b.address || a.address.is_unspecified() || b.address.is_unspecified();
}

// The inode of a socket there; empty: none.
std::string find_socket(const Endpoint& endpoint, Transport transport) {
  constexpr std::string_view kListening = "0A";
  for (const char* const family : {"", "6"}) {
    std::ifstream table(fmt::format("/proc/net/{}{}", transport == Transport::udp ? "udp" : "tcp", family));
    std::string line;
    std::getline(table, line);  // the heading
    while (std::getline(table, line)) {
      std::istringstream words(line);
      std::string number, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
      words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
      if (transport == Transport::tcp && state != kListening) continue;
      const auto found = parse_hex(local);
      if (found && meet(*found, endpoint)) return inode;
    }
  }
  return "";
}

bool has_socket(const fs::path& process, const std::string& link) {
  std::error_code error;
  for (fs::directory_iterator it(process / "fd", error), end; !error && it != end; it.increment(error)) {
    std::error_code unreadable;
    if (fs::read_symlink(it->path(), unreadable) == link) return true;
  }
  return false;
}

}  // namespace

std::string port_owner(const Endpoint& endpoint, Transport transport) {
  const std::string inode = find_socket(endpoint, transport);
  if (inode.empty() || inode == "0") return "";
  const std::string link = "socket:[" + inode + "]";
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    const std::string pid = it->path().filename().string();
    if (!is_decimal(pid) || !has_socket(it->path(), link)) continue;
    std::ifstream file(it->path() / "comm");
    std::string name;
    std::getline(file, name);
    return fmt::format("{} (pid {})", name.empty() ? "a process" : name, pid);
  }
  return "";
}

}  // namespace swage::server
