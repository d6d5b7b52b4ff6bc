#include "core/peer/key_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "core/crypto/base64.h"
#include "core/crypto/testing.h"
#include "core/libp2p/key_vectors.h"
#include "tests/support/loopback.h"

#include <catch2/catch.hpp>

using namespace swage;
using libp2p::KeyType;
using tests::Folder;

namespace {

std::string standard_base64(Bytes bytes) {
  std::string text = crypto::to_base64url(bytes);
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  return text;
}

}  // namespace

TEST_CASE("key file: protobuf as it is and in base64, of each type") {
  for (const auto& vector : libp2p::testing::kKeyVectors) {
    const auto message = crypto::testing::unhex(vector.private_key);
    const auto public_key = crypto::testing::unhex(vector.public_key);
    const std::string base64 = standard_base64(message);
    for (const std::string& text :
         {std::string(as_text(message)), base64, " " + base64 + "\r\n", crypto::to_base64url(message) + "\n",
          base64.substr(0, 20) + "\n" + base64.substr(20)}) {
      const auto key = peer::parse_key(as_bytes(text));
      REQUIRE(key);
      CHECK(key->public_key().to_protobuf() == public_key);
    }
  }
}

TEST_CASE("key file: what is none") {
  for (const char* const text :
       {"", "\n", "hello world!", "-----BEGIN PRIVATE KEY-----", "AAAA", "CAESQA==", "\x08", "\x08\x01"}) {
    INFO(text);
    CHECK_FALSE(peer::parse_key(as_bytes(text)));
  }
}

TEST_CASE("key file: made where there is none, for its owner alone, and kept") {
  const Folder folder;
  for (const std::string type : {"ed25519", "rsa", "ecdsa", "secp256k1"}) {
    const std::string path = folder.file(type);
    const auto made = peer::load_or_make_key(path, peer::parse_key_type(type));
    REQUIRE(made);
    CHECK(peer::name_of(made->public_key().type()) == type);
    struct stat status{};
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(status.st_nlink == 1);
    const auto again = peer::load_or_make_key(path, std::nullopt);
    REQUIRE(again);
    CHECK(again->public_key() == made->public_key());
  }
  CHECK(peer::load_or_make_key(folder.file("default"), std::nullopt)->public_key().type() == KeyType::ed25519);
  CHECK(peer::load_or_make_key(folder.file("rsa"), KeyType::ed25519).error().text() ==
        folder.file("rsa") + ": the key is of type rsa, not ed25519");
}

TEST_CASE("key file: a file that is no key is left alone") {
  const Folder folder;
  const std::string path = folder.write("key", "precious!");
  CHECK(peer::load_or_make_key(path, std::nullopt).error().text() ==
        path + ": expected a private key as libp2p's protobuf, as it is or in base64");
  CHECK(tests::read_file(path) == "precious!");
  CHECK(peer::load_or_make_key(folder.write("large", std::string(20000, 'A')), std::nullopt).error().text() ==
        folder.file("large") + ": too large for a key");
  CHECK_FALSE(peer::load_or_make_key(folder.path(), std::nullopt));  // a folder
  CHECK_FALSE(peer::load_or_make_key(folder.file("no/such"), std::nullopt));
  REQUIRE(symlink("nowhere", folder.file("dangling").c_str()) == 0);
  CHECK_FALSE(peer::load_or_make_key(folder.file("dangling"), std::nullopt));
}
