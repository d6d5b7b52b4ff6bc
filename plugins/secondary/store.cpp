#include "plugins/secondary/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "core/descriptor.h"
#include "core/new_file.h"
#include "core/zone/all_records.h"
#include "core/zone/view.h"
#include "core/zonefile/reader.h"

namespace swage::plugins::secondary {
namespace {

constexpr std::size_t kBuffer = std::size_t{1} << 20;  // bytes that are written at a time
constexpr mode_t kMode = 0640;
constexpr std::string_view kTitle =
    ": a secondary's copy, written by swage; its time is when a primary last confirmed it\n";

std::unexpected<Error> failure(const std::string& path) { return fail("{}: {}", path, std::strerror(errno)); }

std::array<timespec, 2> times(std::int64_t confirmed) {
  return {timespec{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, timespec{.tv_sec = confirmed, .tv_nsec = 0}};
}

// Whether the file begins as those that write_zone() makes do; so does one that is empty, or not there.
bool is_own(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.exists()) return errno == ENOENT;
  std::array<char, 4 * dns::kMaxName + 200> begin{};  // a name as text, and the rest of the line
  const ssize_t size = ::read(file.get(), begin.data(), begin.size());
  if (size < 0) return false;
  const std::string_view text(begin.data(), static_cast<std::size_t>(size));
  return text.empty() || text.substr(0, text.find('\n') + 1).ends_with(kTitle);
}

constexpr std::string_view kDigits = "0123456789abcdef";

void append_line(const zone::ZoneRecord& record, std::string& text) {
  record.owner.append_to(text);
  fmt::format_to(std::back_inserter(text), " {} {} \\# {} ", record.ttl, to_string(record.type), record.rdata.size());
  for (const std::uint8_t byte : record.rdata) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  text += '\n';
}

Result<> write_zone(NewFile& file, Bytes image) {
  std::string text =
      fmt::format("; {} serial {}{}", zone::View(image).apex().to_string(), zone::View(image).serial(), kTitle);
  zone::AllRecords records(image);
  while (const std::optional<zone::ZoneRecord> record = records.next()) {
    append_line(*record, text);
    if (text.size() < kBuffer) continue;
    TRY(file.write(as_bytes(text)));
    text.clear();
  }
  return file.write(as_bytes(text));
}

}  // namespace

Result<> Store::check() const {
  if (folder_.empty()) return {};
  struct stat status{};
  if (stat(folder_.c_str(), &status) != 0) return failure(folder_);
  if (!S_ISDIR(status.st_mode)) return fail("{}: not a folder", folder_);
  if (access(folder_.c_str(), R_OK | W_OK | X_OK) != 0) return failure(folder_);
  return {};
}

// '/' is a character of a label as others are.
Result<std::string> Store::path(dns::NameView zone) const {
  std::string name;
  // The root's name: another zone of that name has its first letter as a number, as it never is else.
  if (dns::Name(zone).lowercased().to_string() == "root.") return folder_ + "/\\114oot.zone";
  for (const char c : dns::Name(zone).lowercased().to_string()) {
    if (c == '/') name += "\\047";
    if (c != '/') name += c;
  }
  name = zone.is_root() ? "root.zone" : name + "zone";
  if (name.size() + 4 > NAME_MAX) return fail("the name of the zone {} is too long for a file", zone.to_string());
  return folder_ + "/" + name;
}

Result<> Store::check(dns::NameView zone) const {
  if (folder_.empty() || files_ == Files::any) return {};
  TRY(const std::string name, path(zone));
  if (!is_own(name)) return fail("{} is there, and swage did not write it", name);
  return {};
}

std::int64_t Store::confirmed(dns::NameView zone) const {
  const Result<std::string> name = path(zone);
  struct stat status{};
  if (folder_.empty() || !name || stat(name->c_str(), &status) != 0) return 0;
  return status.st_mtim.tv_sec;
}

Result<> Store::load(zone::Builder& into) const {
  TRY(const std::string name, path(into.apex()));
  return zonefile::read_file(name, into.apex(), into);
}

Result<> Store::save(Bytes image, std::int64_t confirmed) const {
  if (folder_.empty()) return {};
  TRY(check(zone::View(image).apex()));
  TRY(const std::string name, path(zone::View(image).apex()));
  TRY(NewFile file, NewFile::create_alone(name, kMode));  // an Error where another process writes it, as after a reload
  TRY(write_zone(file, image));
  if (futimens(file.descriptor(), times(confirmed).data()) != 0) return failure(name);
  return file.replace();
}

bool Store::confirm(dns::NameView zone, std::int64_t confirmed) const {
  if (folder_.empty()) return true;
  const Result<std::string> name = path(zone);
  return name && utimensat(AT_FDCWD, name->c_str(), times(confirmed).data(), 0) == 0;
}

}  // namespace swage::plugins::secondary
