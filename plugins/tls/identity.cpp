#include "plugins/tls/identity.h"

#include <unistd.h>

#include <ctime>

#include "core/async/tls.h"
#include "core/crypto/chain.h"
#include "core/crypto/secret.h"
#include "core/log.h"
#include "core/plugin/tls_memory.h"
#include "core/whole_file.h"

namespace swage::plugins::tls {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxFile = 1 << 20;  // bytes
constexpr std::int64_t kWeek = 7 * 86'400;

// The text of a file with a key, wiped in the end.
struct Text {
  std::string text;
  ~Text() { crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }
};

}  // namespace

std::vector<std::string> Files::paths() const {
  std::vector<std::string> paths = {chain};
  if (key != chain) paths.push_back(key);
  if (!authorities.empty()) paths.push_back(authorities);
  return paths;
}

Identity::Identity(Files files, shm::Snapshot& snapshot, metrics::Gauge expiry)
    : files_(std::move(files)), snapshot_(snapshot), expiry_(expiry), followed_("tls", files_.paths(), {.every = 5s}) {}

bool Identity::is_missing() const { return files_.automatic && access(files_.chain.c_str(), F_OK) != 0; }

Result<> Identity::prepare() {
  followed_.remember();
  if (!is_missing()) return publish(read());
  log::warning("plugin/tls: no certificate in {} yet: connections are refused until there is one", files_.chain);
  return snapshot_.bytes().empty() ? Result<>() : snapshot_.keep();
}

async::Task<Result<>> Identity::run(Host& host) {
  const auto load = [this] { return read(); };
  const auto take = [this](Result<Read> made) -> Result<> {
    if (const Result<> published = publish(std::move(made)); !published) {
      return fail("{}; the certificate stays as it was", published.error().text());
    }
    log::info("plugin/tls: {}: a new certificate", files_.chain);
    return {};
  };
  co_await follow(host, followed_, load, take);
  co_return Result<>();
}

// On any thread.
Result<Identity::Read> Identity::read() const {
  Text chain, key, authorities;
  TRY(chain.text, read_whole_file(files_.chain, kMaxFile));
  TRY(key.text, read_whole_file(files_.key, kMaxFile));
  if (!files_.authorities.empty()) {
    TRY(authorities.text, read_whole_file(files_.authorities, kMaxFile));
  }
  const async::TlsServer server{.certificate = {chain.text, key.text},
                                .clients = files_.clients,
                                .authorities = authorities.text,
                                .alpn = {"dot"}};
  if (const auto context = async::TlsContext::server(server); !context) {
    return fail("{} with {}: {}", files_.chain, files_.key, context.error().text());
  }
  const std::int64_t now = std::time(nullptr);
  TRY(const crypto::ChainReport report, crypto::judge_chain(chain.text, "", now));
  if (report.expires < now + (files_.automatic ? 0 : kWeek)) {  // what renews itself may be short
    log::warning("plugin/tls: {}: {}", files_.chain,
                 report.expires <= now ? "the certificate has expired" : "the certificate expires within a week");
  }
  TRY(shm::Segment memory, tls_memory::write_identity(chain.text, key.text, authorities.text));
  return Read{std::move(memory), report.expires};
}

Result<> Identity::publish(Result<Read> read) {
  if (!read) return std::unexpected(read.error());
  expiry_.set(static_cast<double>(read->expires));
  return snapshot_.publish(std::move(read->memory));
}

}  // namespace swage::plugins::tls
