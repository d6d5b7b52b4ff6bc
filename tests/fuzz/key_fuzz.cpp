// Keys in protobuf, as strangers send them. The first byte says whether the rest is read as a public key (0) or as a
// private one. Seeds: tests/fuzz/corpus/key, the specification's vectors.
#include "core/libp2p/key.h"
#include "core/result.h"

using namespace swage;
using libp2p::PrivateKey;
using libp2p::PublicKey;

namespace {

// What is accepted has one form, which is accepted too and is the same peer.
void check_public(Bytes message) {
  const auto key = PublicKey::from_protobuf(message);
  if (!key) return;
  const auto again = PublicKey::from_protobuf(key->to_protobuf());
  CHECK(again && *again == *key && again->peer_id() == key->peer_id());
  CHECK(!key->verify(message, message));  // no message holds its own signature
}

void check_private(Bytes message) {
  const auto key = PrivateKey::from_protobuf(message);
  if (!key) return;
  const auto again = PrivateKey::from_protobuf(key->to_protobuf().bytes());
  CHECK(again && again->public_key() == key->public_key());
  // The numbers of an RSA key are not checked against each other, and make signing slow at will.
  if (key->public_key().type() == libp2p::KeyType::rsa) return;
  const auto signature = key->sign(message);
  CHECK(signature && again->public_key().verify(message, *signature));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes message{data + 1, size - 1};
  data[0] == 0 ? check_public(message) : check_private(message);
  return 0;
}
