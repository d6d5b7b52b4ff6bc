#include <sys/stat.h>

#include "core/counted.h"
#include "core/whole_file.h"
#include "plugins/tsig/tsig.h"

namespace swage::plugins::tsig {
namespace {

constexpr std::size_t kMostBytes = 16 << 20;  // of a file

using swage::tsig::OwnKey;
using swage::tsig::Ring;

Result<std::vector<OwnKey>> read(const std::string& path) {
  TRY(const InputFile file, InputFile::open(path));
  if ((file.mode() & S_IROTH) != 0) log::warning("plugin/tsig: {}: everybody may read it", path);
  TRY(std::string text, read_whole_file(path, kMostBytes));
  auto keys = swage::tsig::read_key_file(text, path);
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return keys;
}

}  // namespace

KeyFiles::KeyFiles(std::vector<std::string> paths, config::Token directive, const BlockKeys& keys,
                   shm::Snapshot& snapshot)
    : paths_(std::move(paths)),
      directive_(std::move(directive)),
      keys_(keys),
      snapshot_(snapshot),
      files_("tsig", paths_, {.every = std::chrono::seconds(5)}) {}

Result<> KeyFiles::prepare() {
  files_.remember();
  const Result<Ring> ring = load();
  if (ring) return publish(*ring);
  if (snapshot_.bytes().empty()) return std::unexpected(directive_.error(ring.error().text()));
  log::error("plugin/tsig: {}; the keys stay as they were", ring.error().text());  // of the process before
  return snapshot_.keep();
}

async::Task<Result<>> KeyFiles::run(Host& host) {
  const auto read = [this] { return load(); };
  const auto take = [this](const Result<Ring>& ring) {
    const Result<> done = ring ? publish(*ring) : Result<>(std::unexpected(ring.error()));
    return done ? done : fail("{}; the keys stay as they were", done.error().text());
  };
  co_await follow(host, files_, read, take);
  co_return Result<>();
}

// On any thread.
Result<Ring> KeyFiles::load() const {
  std::vector<OwnKey> all;
  for (const std::string& path : paths_) {
    TRY(std::vector<OwnKey> keys, read(path));
    for (OwnKey& key : keys) {
      if (keys_.written().find(key.key().name)) {
        return fail("{}: the key '{}' is in the Corefile, too", path, key.key().name.to_string());
      }
      all.push_back(std::move(key));
    }
  }
  Result<Ring> ring = Ring::make(all);
  if (!ring) return fail("{}: {}", paths_.front(), ring.error().text());
  return ring;
}

Result<> KeyFiles::publish(const Ring& ring) {
  const Bytes keys = ring.bytes();
  // A snapshot is never empty: a byte that is not a Ring's means that there are none.
  TRY(shm::Segment memory, shm::Segment::create("swage tsig", std::max<std::size_t>(keys.size(), 1)));
  std::ranges::copy(keys, memory.writable_bytes().begin());
  TRY(snapshot_.publish(std::move(memory)));
  log::info("plugin/tsig: {}: {}", paths_.front(), counted(ring.count(), "key"));
  return {};
}

}  // namespace swage::plugins::tsig
