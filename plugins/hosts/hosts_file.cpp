#include "plugins/hosts/hosts_file.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/text.h"
#include "core/whole_file.h"

namespace swage::plugins::hosts {
namespace {

constexpr std::size_t kMaxFile = std::size_t{1} << 30;  // bytes
constexpr std::size_t kPiece = std::size_t{256} << 10;

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

void HostsReader::leave_out(std::string why) {
  if (left_out_.count++ == 0) {
    left_out_.line = number_;
    left_out_.why = std::move(why);
  }
}

Result<> HostsReader::feed(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    too_long_ = too_long_ || line_.size() + part.size() > kMaxLine;
    if (end == std::string_view::npos) {
      if (!too_long_) line_ += part;
      return {};
    }
    piece.remove_prefix(end + 1);
    if (!line_.empty() && !too_long_) line_ += part;
    TRY(end_line(line_.empty() ? part : line_));
  }
  return {};
}

Result<LeftOut> HostsReader::finish() {
  TRY(end_line(line_));
  return std::move(left_out_);
}

Result<> HostsReader::end_line(std::string_view line) {
  if (too_long_) {
    leave_out(fmt::format("has more than {} bytes", kMaxLine));
    line = {};
  }
  line = line.substr(0, line.find('#'));
  const std::string_view first = take_word(line);
  const auto address = parse_host_address(first);
  if (!first.empty() && !address) leave_out(fmt::format("'{}' is not an address", first.substr(0, 100)));
  for (std::string_view word = take_word(line); address && !word.empty(); word = take_word(line)) {
    const auto name = dns::Name::parse(word);
    if (!name) {
      leave_out(name.error().text().substr(0, 200));
      continue;
    }
    const Result<> added = into_.add(*address, name->lowercased());
    if (!added) return fail("{}: {}", number_, added.error().text());
  }
  line_.clear();
  too_long_ = false;
  ++number_;
  return {};
}

Result<LeftOut> read_hosts(std::string_view text, HostsBuilder& into) {
  HostsReader reader(into);
  TRY(reader.feed(text));
  return reader.finish();
}

Result<LeftOut> read_hosts_file(const std::string& path, HostsBuilder& into) {
  TRY(InputFile file, InputFile::open(path));
  HostsReader reader(into);
  std::vector<std::uint8_t> piece(kPiece);
  for (std::size_t all = 0;;) {
    TRY(const std::size_t size, file.read(piece));
    all += size;
    if (all > kMaxFile || file.size() > kMaxFile) return fail("{}: has more than {} bytes", path, kMaxFile);
    const Result<> fed = reader.feed(as_text(Bytes(piece).first(size)));
    if (!fed) return fail("{}:{}", path, fed.error().text());
    if (size < piece.size()) break;
  }
  Result<LeftOut> left_out = reader.finish();
  if (!left_out) return fail("{}:{}", path, left_out.error().text());
  return left_out;
}

}  // namespace swage::plugins::hosts
