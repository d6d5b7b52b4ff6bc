#include "plugins/broker/certificate_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/crypto/secret.h"

namespace swage::plugins::broker {
namespace {

constexpr std::size_t kMost = 1 << 20;  // bytes of a file

CertificateFiles::Stamp::File stamp_of(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return {};
  return {status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size, status.st_dev, status.st_ino};
}

Result<crypto::Secret> read(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  crypto::Secret buffer(kMost);
  file.read(reinterpret_cast<char*>(buffer.bytes().data()), static_cast<std::streamsize>(kMost));
  if (!file.eof()) return fail("{}: {}", path, errno != 0 ? std::strerror(errno) : "more than 1 MiB");
  return crypto::Secret::copy_of(buffer.bytes().first(static_cast<std::size_t>(file.gcount())));
}

}  // namespace

CertificateFiles::Stamp CertificateFiles::stamp() const { return {{stamp_of(chain_), stamp_of(key_)}}; }

Result<async::TlsContext> CertificateFiles::load() const {
  TRY(const crypto::Secret chain, read(chain_));
  TRY(const crypto::Secret key, read(key_));
  auto context = async::TlsContext::server(as_text(chain.bytes()), as_text(key.bytes()), {"http/1.1"});
  if (!context) return fail("{} with {}: {}", chain_, key_, context.error().text());
  return context;
}

}  // namespace swage::plugins::broker
