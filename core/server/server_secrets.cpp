#include "core/server/server_secrets.h"

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "core/counted.h"
#include "core/log.h"
#include "core/text.h"
#include "core/whole_file.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;
using cookie::Secrets;

constexpr std::uint64_t kDay = 86'400;       // seconds
constexpr std::size_t kMadeAt = 16;          // in the memory
constexpr std::size_t kMostBytes = 1 << 16;  // of a file

std::uint64_t seconds_now() { return static_cast<std::uint64_t>(std::time(nullptr)); }

// Each line a secret, of 32 hexadecimal digits; '#' begins a comment.
template <typename Secret>
Result<> read_secrets(std::string_view text, const std::string& path, std::vector<Secret>& secrets) {
  for (unsigned number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, std::min(end, text.find('#')));
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view word = take_word(line);
    if (word.empty()) continue;
    Secret secret{};
    bool is_right = word.size() == 2 * secret.size() && take_word(line).empty();
    for (std::size_t i = 0; is_right && i < secret.size(); ++i) {
      const int first = hex_value(word[2 * i]), second = hex_value(word[2 * i + 1]);
      is_right = first >= 0 && second >= 0;
      secret[i] = static_cast<std::uint8_t>(first << 4 | second);
    }
    // What stands there may be a secret all the same.
    if (!is_right) return fail("{}:{}: expected a secret: 32 hexadecimal digits", path, number);
    if (secrets.size() == cookie::kMostSecrets) {
      return fail("{}:{}: expected no more than {} secrets", path, number, cookie::kMostSecrets);
    }
    secrets.push_back(secret);
  }
  return {};
}

}  // namespace

ServerSecrets::ServerSecrets(CookieSettings settings, shm::Snapshot& snapshot)
    : settings_(std::move(settings)), snapshot_(snapshot), files_("cookie", settings_.files, {.every = 5s}) {}

Result<> ServerSecrets::prepare() {
  if (settings_.off) return publish(0, {});
  if (settings_.files.empty()) return is_due(seconds_now()) ? roll(seconds_now()) : snapshot_.keep();
  files_.remember();
  Result<std::vector<Secret>> secrets = read();
  if (secrets) return publish(0, *secrets);
  if (Secrets(snapshot_.bytes()).count() == 0) return std::unexpected(settings_.at->error(secrets.error().text()));
  log::error("plugin/cookie: {}; the secrets stay as they were", secrets.error().text());  // of the process before
  return snapshot_.keep();
}

async::Task<Result<>> ServerSecrets::run(Host& host) {
  if (settings_.off) co_return Result<>();
  if (!settings_.files.empty()) {
    const auto load = [this] { return read(); };
    const auto take = [this](const Result<std::vector<Secret>>& secrets) -> Result<> {
      if (!secrets) return fail("{}; the secrets stay as they were", secrets.error().text());
      TRY(publish(0, *secrets));
      log::info("plugin/cookie: {}: {}", settings_.files.front(), counted(secrets->size(), "secret"));
      return {};
    };
    co_await follow(host, files_, load, take);
    co_return Result<>();
  }
  while (true) {
    const bool stopped = co_await host.stopping(5min);
    if (stopped) co_return Result<>();
    const std::uint64_t now = seconds_now();
    if (is_due(now)) CO_TRY(roll(now));
  }
}

// On any thread.
Result<std::vector<ServerSecrets::Secret>> ServerSecrets::read() const {
  std::vector<Secret> secrets;
  for (const std::string& path : settings_.files) {
    TRY(const InputFile file, InputFile::open(path));
    if ((file.mode() & S_IROTH) != 0) log::warning("plugin/cookie: {}: everybody may read it", path);
    TRY(std::string text, read_whole_file(path, kMostBytes));
    const Result<> read = read_secrets(text, path, secrets);
    sodium_memzero(text.data(), text.size());
    if (!read) return std::unexpected(read.error());
  }
  if (secrets.empty()) return fail("{}: no secret: expected a line of 32 hexadecimal digits", settings_.files.front());
  return secrets;
}

bool ServerSecrets::is_due(std::uint64_t now) const {
  const Bytes memory = snapshot_.bytes();
  if (Secrets(memory).count() == 0) return true;
  std::uint64_t made;
  std::memcpy(&made, memory.data() + kMadeAt, sizeof made);
  return now < made || now - made >= kDay;
}

Result<> ServerSecrets::roll(std::uint64_t now) {
  std::vector<Secret> secrets(1);
  CHECK(getentropy(secrets[0].data(), secrets[0].size()) == 0);
  if (const Secrets before(snapshot_.bytes()); before.count() > 0) {
    std::ranges::copy(before[0], secrets.emplace_back().begin());
  }
  return publish(now, secrets);
}

Result<> ServerSecrets::publish(std::uint64_t made, const std::vector<Secret>& secrets) {
  TRY(shm::Segment memory,
      shm::Segment::create("swage server secrets", Secrets::kHeader + secrets.size() * cookie::kSecretSize));
  std::uint8_t* at = memory.writable_bytes().data();
  if (const Bytes key = Secrets(snapshot_.bytes()).hash_key(); !key.empty()) {
    std::ranges::copy(key, at);
  } else {
    CHECK(getentropy(at, kMadeAt) == 0);
  }
  std::memcpy(at + kMadeAt, &made, sizeof made);
  at += Secrets::kHeader;
  for (const Secret& each : secrets) at = std::ranges::copy(each, at).out;
  return snapshot_.publish(std::move(memory));
}

}  // namespace swage::server
