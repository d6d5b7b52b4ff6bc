#include "core/dns/nsec3_hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "core/result.h"

namespace swage::dns {
namespace {

// To look up an algorithm in OpenSSL 3 takes longer than to hash a name: it is done once.
class Sha1 {
 public:
  Sha1() : digest_(EVP_MD_fetch(nullptr, "SHA1", nullptr)), context_(EVP_MD_CTX_new()) {
    CHECK(digest_ != nullptr && context_ != nullptr);
    CHECK(EVP_DigestInit_ex2(context_.get(), digest_.get(), nullptr) == 1);
  }

  void operator()(Bytes first, Bytes second, Nsec3Hash& result) {
    CHECK(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);
    CHECK(EVP_DigestUpdate(context_.get(), first.data(), first.size()) == 1);
    CHECK(EVP_DigestUpdate(context_.get(), second.data(), second.size()) == 1);
    CHECK(EVP_DigestFinal_ex(context_.get(), result.data(), nullptr) == 1);
  }

 private:
  struct Free {
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD, Free> digest_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

Nsec3Hash nsec3_hash(NameView name, Bytes salt, unsigned iterations) {
  thread_local Sha1 sha1;
  std::array<std::uint8_t, kMaxName> key;
  std::transform(name.data(), name.data() + name.size(), key.begin(), lower);
  Nsec3Hash hash;
  sha1({key.data(), name.size()}, salt, hash);
  for (unsigned i = 0; i < iterations; ++i) sha1(hash, salt, hash);
  return hash;
}

}  // namespace swage::dns
