// The frames of a WebSocket (RFC 6455 section 5), by wslay: a flow of bytes in binary messages. Without I/O: bytes go
// in, bytes come out. Owned by the connection's owner. Internal to core/websocket.
//
// Messages are handed on as they come, never put together: what is held is a few KiB, however large the other side
// makes them. Each pong or close frame that is owed is 131 bytes of output() at most.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

struct wslay_frame_context;
struct wslay_frame_iocb;

namespace swage::websocket {

enum class Side { client, server };

// Fills with bytes that nobody can foresee.
using RandomBytes = std::function<void(MutableBytes)>;

enum class Close : std::uint16_t { normal = 1000, protocol_error = 1002, not_binary = 1003 };  // section 7.4.1

class Codec {
 public:
  // A client masks what it sends with bytes of `random`, a server needs none (section 5.1).
  Codec(Side side, RandomBytes random);
  ~Codec();
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;

  // Takes bytes from the front of `in` and puts payload into `into`, which is not empty; gives its size. 0: more is
  // needed, and `in` is empty; or ended(). An error is for ever; the close frame that says why is in output().
  [[nodiscard]] Result<std::size_t> receive(Bytes& in, MutableBytes into);
  // The other side sent a close frame. What comes after it is ignored.
  [[nodiscard]] bool ended() const { return ended_; }

  // Puts `payload` into output(), as one message. REQUIRES: not closed().
  void send(Bytes payload);
  // Says that no more will be sent; nothing where it was said.
  void close(Close why);
  [[nodiscard]] bool closed() const { return closed_; }

  // To be sent, and emptied.
  [[nodiscard]] std::vector<std::uint8_t>& output() { return output_; }

 private:
  [[nodiscard]] Result<> begin(const wslay_frame_iocb& frame);
  [[nodiscard]] Result<> take(const wslay_frame_iocb& piece);
  [[nodiscard]] Result<> take_control(unsigned opcode);
  [[nodiscard]] Result<> take_close();
  [[nodiscard]] std::unexpected<Error> fail(Close why, const char* text);
  void send_frame(unsigned opcode, Bytes payload);

  Side side_;
  RandomBytes random_;
  std::unique_ptr<wslay_frame_context, void (*)(wslay_frame_context*)> frames_;
  Bytes* input_ = nullptr;             // receive()'s
  Bytes ready_;                        // payload that had no room yet; in frames_
  std::uint64_t left_ = 0;             // bytes of the frame in hand that are still to come
  bool in_message_ = false;            // between the first and the last frame of a message
  std::vector<std::uint8_t> control_;  // payload of the control frame in hand
  std::vector<std::uint8_t> output_;
  std::optional<Error> failure_;
  bool ended_ = false;
  bool closed_ = false;
};

}  // namespace swage::websocket
