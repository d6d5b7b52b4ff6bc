#include "plugins/broker/secret_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/counted.h"
#include "core/log.h"
#include "core/new_file.h"
#include "core/text.h"
#include "core/whole_file.h"

namespace swage::plugins::broker {
namespace {

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
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT)
    TRY(write_first_file(path, random_secret(random).bytes()));
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
