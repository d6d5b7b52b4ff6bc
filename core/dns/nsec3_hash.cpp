// OpenSSL 3.0's EVP allocates at every EVP_DigestInit, also of a context that was used before, and an NSEC3 answer
// hashes up to three names with up to 500 iterations each; so this uses SHA1_Init and the like, deprecated as they are.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/dns/nsec3_hash.h"

#include <openssl/sha.h>

#include <algorithm>

#include "core/result.h"

namespace swage::dns {
namespace {

void sha1(Bytes first, Bytes second, Nsec3Hash& result) {
  SHA_CTX context;
  CHECK(SHA1_Init(&context) == 1);
  CHECK(SHA1_Update(&context, first.data(), first.size()) == 1);
  CHECK(SHA1_Update(&context, second.data(), second.size()) == 1);
  CHECK(SHA1_Final(result.data(), &context) == 1);
}

}  // namespace

Nsec3Hash nsec3_hash(NameView name, Bytes salt, unsigned iterations) {
  std::array<std::uint8_t, kMaxName> key;
  std::transform(name.data(), name.data() + name.size(), key.begin(), lower);
  Nsec3Hash hash;
  sha1({key.data(), name.size()}, salt, hash);
  for (unsigned i = 0; i < iterations; ++i) sha1(hash, salt, hash);
  return hash;
}

}  // namespace swage::dns
