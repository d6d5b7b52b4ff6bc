// multistream-select 1.0 (https://github.com/multiformats/multistream-select): two sides agree on the protocol that a
// connection or a stream will speak. Without I/O: bytes go in, bytes come out. Owned by the owner of the connection.
//
//     message     varint: size of text and newline | text | '\n'
//     initiator   /multistream/1.0.0  /first  …                      /second  …
//     responder                                /multistream/1.0.0 na           /second
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::libp2p::multistream {

inline constexpr std::string_view kHeader = "/multistream/1.0.0";
inline constexpr std::size_t kMaxText = 1024;  // bytes of a message without its newline
inline constexpr int kMaxProposals = 64;       // that a responder answers

class SelectError : public Error {
 public:
  enum class Kind {
    too_long,           // a message of more than kMaxText, or a listing of more than that
    malformed,          // a size that is not a varint, a message without a newline at its end
    unexpected,         // a message that has no place here: another version, a protocol that was not proposed
    refused,            // the responder has none of our protocols
    too_many_proposals  // the initiator goes on and on
  };

  SelectError(Kind kind, std::string text) : Error(std::move(text)), kind_(kind) {}
  [[nodiscard]] Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

template <typename T = void>
using SelectResult = std::expected<T, SelectError>;

// REQUIRES: text.size() <= kMaxText.
void append_message(std::vector<std::uint8_t>& out, std::string_view text);

// Cuts bytes into messages, however they arrive. Holds at most one message that is not whole.
class MessageReader {
 public:
  // The next message without its newline; nullopt when `in` is used up before it is whole. Takes what it used from the
  // front of `in`, and nothing after the message. After an error there is nothing more to read.
  [[nodiscard]] SelectResult<std::optional<std::string>> read(Bytes& in);

 private:
  SelectResult<bool> read_size(Bytes& in);

  std::vector<std::uint8_t> size_bytes_;  // of the size, while it is not whole
  std::optional<std::size_t> size_;       // of text and newline
  std::string text_;
};

// The side that proposes, in order of preference.
class Initiator {
 public:
  // REQUIRES: at least one; none of them empty, longer than kMaxText, or with a newline.
  explicit Initiator(std::vector<std::string> protocols);

  // Takes what belongs to the negotiation from the front of `in`: when done(), what is left belongs to the protocol.
  [[nodiscard]] SelectResult<> receive(Bytes& in);

  [[nodiscard]] bool done() const { return done_; }
  // Whether the other side has said that it speaks multistream-select.
  [[nodiscard]] bool begun() const { return header_seen_; }
  [[nodiscard]] const std::string& selected() const;  // REQUIRES: done()

  // What is to be sent, since the last call; there is some from the start.
  [[nodiscard]] std::vector<std::uint8_t> take_output() { return std::exchange(output_, {}); }

 private:
  SelectResult<> handle(const std::string& message);

  std::vector<std::string> protocols_;
  std::size_t proposed_ = 0;  // index of the protocol that waits for an answer
  bool header_seen_ = false;
  bool done_ = false;
  MessageReader reader_;
  std::vector<std::uint8_t> output_;
};

// The side that chooses among what it is offered. It knows "ls" (the list in one message, "Listing").
class Responder {
 public:
  // REQUIRES: none of them empty or with a newline, their listing no longer than kMaxText.
  explicit Responder(std::vector<std::string> protocols);

  // As of Initiator.
  [[nodiscard]] SelectResult<> receive(Bytes& in);
  [[nodiscard]] bool done() const { return selected_.has_value(); }
  [[nodiscard]] const std::string& selected() const;  // REQUIRES: done()
  [[nodiscard]] std::vector<std::uint8_t> take_output() { return std::exchange(output_, {}); }

 private:
  SelectResult<> handle(const std::string& message);

  std::vector<std::string> protocols_;
  std::string listing_;
  int proposals_ = 0;
  bool header_seen_ = false;
  std::optional<std::string> selected_;
  MessageReader reader_;
  std::vector<std::uint8_t> output_;
};

}  // namespace swage::libp2p::multistream
