#include "plugins/broker/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/counted.h"
#include "core/descriptor.h"
#include "core/log.h"
#include "core/text.h"
#include "core/whole_file.h"

namespace swage::plugins::broker {
namespace {

std::unexpected<Error> system_error(const std::string& path) { return fail("{}: {}", path, std::strerror(errno)); }

Result<crypto::Secret> read_file(const std::string& path, std::size_t min, std::string_view plugin) {
  TRY(InputFile file, InputFile::open(path));
  const std::size_t size = file.size();
  if (size < min || size > kMaxSecret)
    return fail("{}: has {}; expected {} to {}", path, counted(size, "byte"), min, kMaxSecret);
  if ((file.mode() & (S_IRWXG | S_IRWXO)) != 0) {
    log::warning("plugin/{}: {}: can be read by others than its owner", plugin, path);
  }
  crypto::Secret secret(size);
  TRY(const std::size_t read, file.read(secret.bytes()));
  if (read < size) return fail("{}: was cut short while it was read", path);
  return secret;
}

crypto::Secret random_secret(crypto::Random& random) {
  crypto::Secret secret(kMinSecret);
  random.fill(secret.bytes());
  return secret;
}

// So that the name of a new file outlives a power failure, too.
Result<> sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.exists() || fsync(opened.get()) != 0) return system_error(folder);
  return {};
}

// link() gives the name to a file that is whole, and to one of several alone.
Result<> make_file(const std::string& path, Bytes content) {
  std::string temporary = path + ".XXXXXX";
  const Descriptor file(mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
  if (!file.exists()) return system_error(path);
  Result<> made;
  if (!write_all(file.get(), content) || fsync(file.get()) != 0 ||
      (link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST)) {
    made = system_error(path);
  }
  unlink(temporary.c_str());
  return made ? sync_folder_of(path) : made;
}

}  // namespace

Result<crypto::Secret> read_secret(const std::string& path, std::string_view plugin) {
  return read_file(path, kMinSecret, plugin);
}

Result<crypto::Secret> parse_access_token(std::string_view text, const std::string& where) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  if (text.empty() || !std::ranges::all_of(text, is_printable)) {
    return fail("{}: not an access token; expected one line of printable ASCII", where);
  }
  return crypto::Secret::copy_of(as_bytes(text));
}

Result<crypto::Secret> read_access_token(const std::string& path, std::string_view plugin) {
  TRY(const crypto::Secret file, read_file(path, 1, plugin));
  return parse_access_token(as_text(file.bytes()), path);
}

Result<crypto::Secret> read_or_make_secret(const std::string& path, crypto::Random& random, std::string_view plugin) {
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) TRY(make_file(path, random_secret(random).bytes()));
  return read_secret(path, plugin);
}

Result<crypto::Secret> keep_secret(shm::ServiceMemory& memory, crypto::Random& random) {
  if (memory.exists() && memory.bytes().size() == kMinSecret) return crypto::Secret::copy_of(memory.bytes());
  crypto::Secret secret = random_secret(random);
  TRY(shm::Segment segment, shm::Segment::create("swage broker secret", kMinSecret));
  std::ranges::copy(std::as_const(secret).bytes(), segment.writable_bytes().begin());
  TRY(memory.provide(std::move(segment)));
  return secret;
}

}  // namespace swage::plugins::broker
