#include "core/libp2p/noise_payload.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

namespace swage::libp2p::noise {
namespace {

using ByteVector = std::vector<std::uint8_t>;
using Kind = NoiseError::Kind;

enum Tag : protozero::pbf_tag_type { kIdentityKey = 1, kIdentitySignature = 2 };

std::unexpected<NoiseError> failure(Kind kind, std::string_view text) {
  return std::unexpected(NoiseError(kind, fmt::format("noise: {}", text)));
}

ByteVector signed_bytes(const crypto::X25519Public& fixed) {
  constexpr std::string_view kPrefix = "noise-libp2p-static-key:";
  ByteVector bytes(kPrefix.size() + fixed.size());  // as a whole: g++ 12 warns wrongly of an insert() at the end
  std::copy(fixed.begin(), fixed.end(), std::copy(kPrefix.begin(), kPrefix.end(), bytes.begin()));
  return bytes;
}

struct Fields {
  std::optional<Bytes> key, signature;  // they lie in the payload
};

NoiseResult<Fields> read(Bytes payload) {
  Fields fields;
  try {
    protozero::pbf_reader reader(reinterpret_cast<const char*>(payload.data()), payload.size());
    while (reader.next()) {
      if (reader.wire_type() != protozero::pbf_wire_type::length_delimited) {
        reader.skip();
        continue;
      }
      const auto tag = reader.tag();
      const protozero::data_view view = reader.get_view();
      const Bytes bytes = as_bytes({view.data(), view.size()});
      if (tag == kIdentityKey) fields.key = bytes;
      if (tag == kIdentitySignature) fields.signature = bytes;
    }
  } catch (const protozero::exception& error) {
    return failure(Kind::bad_payload, error.what());
  }
  return fields;
}

}  // namespace

NoiseResult<ByteVector> make_payload(const PrivateKey& identity, const crypto::X25519Public& fixed) {
  const auto signature = identity.sign(signed_bytes(fixed));
  if (!signature) return failure(Kind::cannot_sign, signature.error().text());
  const ByteVector key = identity.public_key().to_protobuf();
  std::string out;
  protozero::pbf_writer writer(out);
  writer.add_bytes(kIdentityKey, as_text(key).data(), key.size());
  writer.add_bytes(kIdentitySignature, as_text(*signature).data(), signature->size());
  return ByteVector(out.begin(), out.end());
}

NoiseResult<PublicKey> check_payload(Bytes payload, const crypto::X25519Public& fixed) {
  TRY(const Fields fields, read(payload));
  if (!fields.key) return failure(Kind::bad_payload, "a handshake without an identity key");
  if (!fields.signature) return failure(Kind::bad_payload, "a handshake without a signature");
  auto key = PublicKey::from_protobuf(*fields.key);
  if (!key) return failure(Kind::bad_payload, key.error().text());
  if (!key->verify(signed_bytes(fixed), *fields.signature)) {
    return failure(Kind::bad_signature, "the identity key did not sign the static key");
  }
  return *std::move(key);
}

}  // namespace swage::libp2p::noise
