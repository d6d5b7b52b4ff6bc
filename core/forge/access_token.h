// Where the broker finds the token that clients must send, unless the Corefile names a file.
#pragma once

namespace swage::forge {

// The environment variable, as p2p-forge calls it.
inline constexpr const char* kAccessTokenVariable = "FORGE_ACCESS_TOKEN";

}  // namespace swage::forge
