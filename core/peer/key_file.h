// The file with a node's private key.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/libp2p/key.h"
#include "core/result.h"

namespace swage::peer {

// "ed25519", "rsa", "ecdsa", "secp256k1".
[[nodiscard]] std::optional<libp2p::KeyType> parse_key_type(std::string_view name);
[[nodiscard]] std::string_view name_of(libp2p::KeyType type);

// The protobuf PrivateKey, as it is or in base64 of either alphabet (as in Kubo's configuration), with white space
// around it.
[[nodiscard]] Result<libp2p::PrivateKey> parse_key(Bytes content);

// The key in the file. Where there is no such file, it is made first: a key of `type` (Ed25519), as protobuf, readable
// for its owner alone. Of several that make it at the same time all get the same key or an Error. A key of another type
// than `type` is an Error.
[[nodiscard]] Result<libp2p::PrivateKey> load_or_make_key(const std::string& path, std::optional<libp2p::KeyType> type);

}  // namespace swage::peer
