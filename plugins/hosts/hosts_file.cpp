#include "plugins/hosts/hosts_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/descriptor.h"

namespace swage::plugins::hosts {
namespace {

constexpr std::size_t kMaxFile = std::size_t{1} << 30;  // bytes
constexpr std::string_view kBlanks = " \t\r\v\f";

// Takes the next word off `line`; empty where there is none.
std::string_view take_word(std::string_view& line) {
  const std::size_t start = std::min(line.find_first_not_of(kBlanks), line.size());
  line.remove_prefix(start);
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line.substr(0, line.find('#'));
}

void leave_out(LeftOut& all, unsigned line, std::string why) {
  if (all.count++ == 0) {
    all.line = line;
    all.why = std::move(why);
  }
}

}  // namespace

std::optional<IpAddress> parse_host_address(std::string_view text) {
  const auto address = IpAddress::parse(text.substr(0, text.find('%')));
  if (!address) return std::nullopt;
  static constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  const Bytes bytes = address->bytes();
  if (address->is_v6() && std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    return IpAddress::v4(bytes.subspan(12));
  }
  return *address;
}

Result<LeftOut> read_hosts(std::string_view text, HostsBuilder& into) {
  LeftOut left_out;
  for (unsigned number = 1; !text.empty(); ++number) {
    std::string_view line = take_line(text);
    const std::string_view first = take_word(line);
    if (first.empty()) continue;
    const auto address = parse_host_address(first);
    if (!address) {
      leave_out(left_out, number, fmt::format("'{}' is no address", first.substr(0, 100)));
      continue;
    }
    for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
      const auto name = dns::Name::parse(word);
      if (!name) {
        leave_out(left_out, number, name.error().text().substr(0, 200));
        continue;
      }
      TRY(into.add(*address, name->lowercased()));
    }
  }
  return left_out;
}

Result<std::string> read_whole_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (!file.exists() || fstat(file.get(), &status) != 0) return fail("{}: {}", path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail("{}: is not a regular file", path);
  std::string text;
  while (true) {
    const std::size_t size = text.size();
    text.resize(std::max(size + (1 << 16), static_cast<std::size_t>(status.st_size) + 1));
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0) return fail("{}: {}", path, std::strerror(errno));
    text.resize(size + static_cast<std::size_t>(got));
    if (got == 0) return text;
    if (text.size() > kMaxFile) return fail("{}: is larger than {} bytes", path, kMaxFile);
  }
}

}  // namespace swage::plugins::hosts
