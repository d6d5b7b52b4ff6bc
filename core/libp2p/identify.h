// The messages of identify (https://github.com/libp2p/specs/blob/master/identify/README.md): what a peer says of
// itself. Nothing here is verified. Without I/O; any process.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::libp2p::identify {

inline constexpr std::string_view kProtocol = "/ipfs/id/1.0.0";

class IdentifyError : public Error {
 public:
  enum class Kind {
    too_long,   // a message beyond Limits::message
    too_many,   // messages beyond Limits::messages
    malformed,  // no length, or no protobuf
    cut_off,    // the stream ended within a message, or without one
  };

  IdentifyError(Kind kind, std::string text) : Error(std::move(text)), kind_(kind) {}
  [[nodiscard]] Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

template <typename T = void>
using IdentifyResult = std::expected<T, IdentifyError>;

// "The Identify Message". What is bytes there is bytes here: multiaddrs and keys may be of kinds that we don't know.
// Texts are as the peer wrote them, of any bytes.
struct Message {
  std::optional<std::string> protocol_version;                // 5
  std::optional<std::string> agent_version;                   // 6: "kubo/0.33.0/"
  std::optional<std::vector<std::uint8_t>> public_key;        // 1: as peer-ids.md encodes keys
  std::vector<std::vector<std::uint8_t>> listen_addresses;    // 2: multiaddrs
  std::optional<std::vector<std::uint8_t>> observed_address;  // 4: a multiaddr
  std::vector<std::string> protocols;                         // 3

  bool operator==(const Message&) const = default;
};

inline constexpr std::size_t kMaxEntries = 256;  // listen addresses, and protocols; what is more is left out

// Adds the fields of a protobuf to `message`, as protobuf merges: single fields are replaced, lists go on. Unknown
// fields are skipped. On an error, `message` may hold some of it.
[[nodiscard]] IdentifyResult<> merge(Bytes protobuf, Message& message);

// The protobuf, without the length that goes before it on a stream.
[[nodiscard]] std::vector<std::uint8_t> encode(const Message& message);

// Adds the length (varint) and the protobuf: what one side of a stream sends before it closes it.
void append_delimited(std::vector<std::uint8_t>& out, const Message& message);

struct Limits {
  std::size_t message = std::size_t{8} << 10;  // bytes of one message
  std::size_t messages = 10;
};

// Reads what arrives on a stream: one message, or several that add up to one (peers that have much to say split it).
//
//     varint: length | protobuf | varint: length | protobuf …     until the end of the stream
//
// Holds one message that is not whole, and the sum.
class Reader {
 public:
  explicit Reader(Limits limits = {}) : limits_(limits) {}

  [[nodiscard]] IdentifyResult<> receive(Bytes in);
  // What has been read, at the end of the stream.
  [[nodiscard]] IdentifyResult<Message> finish() const;

 private:
  IdentifyResult<> take_length(Bytes& in);
  IdentifyResult<> take_message(Bytes& in);

  Limits limits_;
  Message sum_;
  std::size_t messages_ = 0;              // that are in the sum
  std::optional<std::size_t> length_;     // of the message that is under way
  std::vector<std::uint8_t> unfinished_;  // bytes of its length, then of it
};

}  // namespace swage::libp2p::identify
