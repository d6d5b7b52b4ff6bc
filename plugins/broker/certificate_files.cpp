#include "plugins/broker/certificate_files.h"

#include <algorithm>
#include <ctime>

#include "core/crypto/secret.h"
#include "core/whole_file.h"

namespace swage::plugins::broker {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;  // bytes of a file

Result<crypto::Secret> read(const std::string& path) {
  TRY(InputFile file, InputFile::open(path));
  crypto::Secret buffer(std::min(file.size(), kMaxFile) + 1);
  TRY(const std::size_t size, file.read(buffer.bytes()));
  if (size > kMaxFile) return fail("{}: has more than {} bytes", path, kMaxFile);
  if (size == buffer.bytes().size()) return fail("{}: has grown while it was read", path);
  return crypto::Secret::copy_of(buffer.bytes().first(size));
}

}  // namespace

Result<async::TlsContext> CertificateFiles::load() const {
  TRY(const crypto::Secret chain, read(chain_));
  TRY(const crypto::Secret key, read(key_));
  auto context = async::TlsContext::server(as_text(chain.bytes()), as_text(key.bytes()), {"h2", "http/1.1"});
  if (!context) return fail("{} with {}: {}", chain_, key_, context.error().text());
  return context;
}

Result<crypto::ChainReport> CertificateFiles::judge(const std::string& domain) const {
  TRY(const crypto::Secret chain, read(chain_));  // the key may be in the same file
  return crypto::judge_chain(as_text(chain.bytes()), domain, std::time(nullptr));
}

}  // namespace swage::plugins::broker
